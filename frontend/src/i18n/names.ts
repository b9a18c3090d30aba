/** "INR, Indian Rupee"; the code alone where the browser has no name for it. */
export function displayName(type: 'currency', code: string, locale: string): string {
  try {
    const name = new Intl.DisplayNames([locale], { type }).of(code)
    return name && name !== code ? `${code}, ${name}` : code
  } catch {
    return code
  }
}
