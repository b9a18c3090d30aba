// The language is the account's once somebody is signed in, else the device's.
import { useQueryClient, type QueryClient } from '@tanstack/vue-query'
import { computed, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, unwrap } from '@/api/client'
import { keys } from '@/api/query'
import type { PreferencesChange } from '@/api/types'
import { session } from '@/features/auth/session'
import type { Language } from '@/i18n'
import { LANGUAGES, speak } from '@/i18n/language'
import { useProblemText } from '@/i18n/problem'
import { toast } from '@/ui/toasts'
import { meQuery, useMe } from './queries'

/** Follows the account, also when its language is changed on another device. */
export function useAccountLanguage(): void {
  const me = useMe()
  watch(
    () => me.data.value?.preferences.language,
    (language) => {
      if (language) void speak(language).catch(() => undefined)
    },
  )
}

/** After a sign-in, so that the next page comes in the account's language at once. */
export async function speakAsAccount(client: QueryClient): Promise<void> {
  try {
    const { preferences } = await client.ensureQueryData(meQuery)
    await speak(preferences.language)
  } catch {
    // Not worth a failed sign-in: the pages follow as soon as the account can be read.
  }
}

export function useLanguage() {
  const { locale } = useI18n<object, Language>()
  const client = useQueryClient()
  const problemText = useProblemText()

  /** In the account as well, if somebody is signed in. */
  async function choose(language: Language): Promise<void> {
    const before = locale.value
    try {
      await speak(language)
      await session.ready
      if (!session.user.value) return
      await client.cancelQueries({ queryKey: keys.me })
      const body = { preferences: { language } as PreferencesChange }
      client.setQueryData(keys.me, await unwrap(api.PATCH('/api/me', { body })))
    } catch (error) {
      toast(problemText(error), 'error')
      await speak(before)
      void client.invalidateQueries({ queryKey: keys.me })
    }
  }

  return {
    language: locale,
    others: computed(() => LANGUAGES.filter(({ code }) => code !== locale.value)),
    choose,
  }
}
