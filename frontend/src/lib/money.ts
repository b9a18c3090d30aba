// Money is an integer in the currency's minor unit; only the text a person reads or types has a decimal point.

const digitsByCurrency = new Map<string, number>()

export function fractionDigits(currency: string): number {
  let digits = digitsByCurrency.get(currency)
  if (digits === undefined) {
    try {
      const format = new Intl.NumberFormat('en', { style: 'currency', currency })
      digits = format.resolvedOptions().maximumFractionDigits ?? 2
    } catch {
      digits = 2
    }
    digitsByCurrency.set(currency, digits)
  }
  return digits
}

/** 60.5 of 6050: for a file, not to count with. */
export const toMajor = (minor: number, currency: string) => minor / 10 ** fractionDigits(currency)

interface MoneyStyle {
  /** Leaves out the fraction of a whole amount: ₹60, but ₹60.50. */
  strip?: boolean
  /** With the currency's name: 60 Indian rupees. */
  spoken?: boolean
  /** For an axis: ₹1.5L. */
  short?: boolean
}

export function formatMoney(
  minor: number,
  currency: string,
  locale: string,
  options: MoneyStyle = {},
): string {
  const amount = toMajor(minor, currency)
  const key = [locale, currency, options.spoken, options.strip, options.short].join()
  let format = formats.get(key)
  if (format === undefined) {
    format = moneyFormat(currency, locale, options)
    formats.set(key, format)
  }
  return format?.format(amount) ?? `${amount} ${currency}`
}

/** Making one takes longer than using it a hundred times. */
const formats = new Map<string, Intl.NumberFormat | null>()

/** Null where the currency has no such code. */
function moneyFormat(
  currency: string,
  locale: string,
  { strip, spoken, short }: MoneyStyle,
): Intl.NumberFormat | null {
  try {
    return new Intl.NumberFormat(locale, {
      style: 'currency',
      currency,
      currencyDisplay: spoken ? 'name' : 'symbol',
      trailingZeroDisplay: strip ? 'stripIfInteger' : 'auto',
      ...(short && {
        notation: 'compact',
        minimumFractionDigits: 0,
        maximumFractionDigits: 1,
      }),
    } as Intl.NumberFormatOptions)
  } catch {
    return null
  }
}

/** "60.5" of a currency with two digits is 6050; null when it is no amount of that currency. */
export function parseMajor(text: string, currency: string): number | null {
  const digits = fractionDigits(currency)
  const match = /^(\d{1,12})(?:\.(\d+))?$/.exec(text.trim().replace(/,(?=\d{2,3}(?:\D|$))/g, ''))
  if (!match) return null
  const fraction = match[2] ?? ''
  if (fraction.length > digits) return null
  return Number(`${match[1]}${fraction.padEnd(digits, '0')}`)
}

/** The inverse, for a form field: plain digits, no symbol, no grouping. */
export function toMajorText(minor: number, currency: string): string {
  const digits = fractionDigits(currency)
  if (digits === 0) return String(minor)
  const text = String(minor).padStart(digits + 1, '0')
  const fraction = text.slice(-digits)
  const whole = text.slice(0, -digits)
  return /^0+$/.test(fraction) ? whole : `${whole}.${fraction}`
}
