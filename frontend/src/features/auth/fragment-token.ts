import { readonly, ref, watch, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/**
 * The token of a link in a mail. It travels in the fragment, which no server and no log ever sees, and leaves the address
 * bar once it is read, so that it stays in no history either. Empty when the link has none.
 */
export function useFragmentToken(): Readonly<Ref<string>> {
  const route = useRoute()
  const router = useRouter()
  const { path } = route
  const token = ref('')
  // Watched, because another link opened in the same tab changes nothing but the fragment.
  watch(
    () => route.hash,
    (hash) => {
      const found = new URLSearchParams(hash.slice(1)).get('token')
      if (!found || route.path !== path) return
      token.value = found
      void router.replace({ path, query: route.query })
    },
    { immediate: true },
  )
  return readonly(token)
}
