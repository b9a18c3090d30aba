import { useI18n } from 'vue-i18n'

/** In words where we have them; what a newer server names otherwise by its own name. */
export function useNames() {
  const { t, te } = useI18n()
  function named(group: string, name: string): string {
    const key = `tasks.${group}.${name.replaceAll('-', '_')}`
    return te(key) ? t(key) : name
  }
  return {
    kindName: (kind: string) => named('kinds', kind),
    scheduleName: (name: string) => named('schedule_names', name),
  }
}
