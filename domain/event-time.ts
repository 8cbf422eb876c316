/**
 * Event time, exact: nanoseconds since 1970 as bigint. RFC 3339 with 0–9 fractional digits in, the same
 * instant out; JavaScript's Date alone would cut it to milliseconds.
 */
const rfc3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9})\d*)?(Z|z|[+-]\d{2}:?\d{2})$/

/** Nanoseconds since 1970, or undefined when the text is not an RFC 3339 time. */
export function parseEventTime(text: string): bigint | undefined {
  const match = rfc3339.exec(text.trim())
  if (match === null) return undefined
  const [, date, time, fraction = '', zone = 'Z'] = match
  const offset = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase()
  const milliseconds = Date.parse(`${date}T${time}${offset}`)
  if (Number.isNaN(milliseconds)) return undefined
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** `2026-01-02T03:04:05.123456789Z`; trailing zero groups of three digits are dropped. */
export function formatEventTime(nanoseconds: bigint): string {
  const second = nanoseconds / 1_000_000_000n - (nanoseconds % 1_000_000_000n < 0n ? 1n : 0n)
  const fraction = (nanoseconds - second * 1_000_000_000n)
    .toString()
    .padStart(9, '0')
    .replace(/(?:000){1,3}$/, '')
  const whole = new Date(Number(second) * 1_000).toISOString().slice(0, 19)
  return `${whole}${fraction === '' ? '' : `.${fraction}`}Z`
}

export const toDate = (nanoseconds: bigint): Date => new Date(Number(nanoseconds / 1_000_000n))
export const fromDate = (date: Date): bigint => BigInt(date.getTime()) * 1_000_000n
