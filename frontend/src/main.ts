import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp, watch } from 'vue'
import App from './App.vue'
import { forgetPrivateData, readPrivateDataAnew, queryClient } from './api/query'
import { session } from './features/auth/session'
import { takeFirstLots } from './features/lots/first-lots'
import { startLive } from './features/lots/live'
import { i18n } from './i18n'
import { speakFirst } from './i18n/language'
import { startDevice } from './offline/device'
import { listenForOffer } from './pwa/install'
import { registerWorker } from './pwa/updates'
import { router } from './router'
import './styles.css'
import { toast } from './ui/toasts'

session.onEnd((reason) => {
  forgetPrivateData()
  if (reason !== 'signed_out') toast(i18n.global.t(`session.${reason}`), 'info')
  const route = router.currentRoute.value
  if (!route.meta.auth) return
  // After one's own sign-out there is nothing to come back to.
  if (reason === 'signed_out') void router.replace({ name: 'find' })
  else void router.replace({ name: 'sign-in', query: { next: route.fullPath } })
})

// Someone else signed in in another tab: nothing of the one before may stay on the screen.
watch(
  () => session.user.value?.id,
  (id, before) => {
    if (id && before && id !== before) readPrivateDataAnew()
  },
)

listenForOffer()
startDevice(queryClient)
void session.restore()
startLive(queryClient)

void Promise.all([speakFirst(), takeFirstLots(queryClient)]).then(() => {
  createApp(App).use(i18n).use(VueQueryPlugin, { queryClient }).use(router).mount('#app')
})
registerWorker()
