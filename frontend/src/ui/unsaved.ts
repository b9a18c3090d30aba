import { onBeforeUnmount, onMounted, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { onBeforeRouteLeave } from 'vue-router'
import { session } from '@/features/auth/session'

/** Asks before a page with unsaved changes is left; a session that ended leaves nothing to save. */
export function useUnsavedGuard(changed: Readonly<Ref<boolean>>): void {
  const { t } = useI18n()
  onBeforeRouteLeave(() =>
    changed.value && session.user.value ? window.confirm(t('ui.unsaved')) : true,
  )
  function onUnload(event: BeforeUnloadEvent): void {
    if (changed.value) event.preventDefault()
  }
  onMounted(() => window.addEventListener('beforeunload', onUnload))
  onBeforeUnmount(() => window.removeEventListener('beforeunload', onUnload))
}
