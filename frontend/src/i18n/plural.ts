/**
 * Which form of a message goes with a count: "one | other", or "none | one | other". What counts as one is the language's:
 * in Hindi zero does.
 */
export function pluralForm(language: string): (count: number, forms: number) => number {
  const rules = new Intl.PluralRules(language)
  return (count, forms) => {
    if (forms > 2 && count === 0) return 0
    return rules.select(count) === 'one' ? Math.max(0, forms - 2) : forms - 1
  }
}
