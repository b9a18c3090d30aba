import { useI18n } from 'vue-i18n'
import type { SentMail } from '@/api/types'
import { useRetryTask } from '@/features/tasks/queries'
import { useProblemText } from '@/i18n/problem'
import { toast } from '@/ui/toasts'

/** A mail is a task: one that failed is tried again as any other. */
export function useRetryMail() {
  const { t } = useI18n()
  const problemText = useProblemText()
  const retry = useRetryTask()
  return {
    isBusy: (mail: SentMail) => retry.isPending.value && retry.variables.value === mail.id,
    tryAgain: (mail: SentMail) =>
      retry.mutate(mail.id, {
        onSuccess: () => toast(t('mails.retried', { subject: mail.subject })),
        onError: (error) => toast(problemText(error), 'error'),
      }),
  }
}
