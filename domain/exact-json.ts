/**
 * JSON with every digit kept. Integers beyond 2^53 (Falco's evt.time) become bigint when read
 * and digits when written. Uses the engine's own source-text access, so plain numbers stay fast.
 */
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

const longNumber = /\d{16}/

/** Parses one JSON document. Throws SyntaxError as JSON.parse does. */
export function parseExact(text: string): unknown {
  if (!longNumber.test(text)) return JSON.parse(text)
  const revive: Reviver = (_key, value, context) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context.source !== undefined && /^-?\d+$/.test(context.source)
      ? BigInt(context.source)
      : value
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown)
}

/** Writes a value as JSON; a bigint is written as its digits. The reverse of parseExact. */
export function stringifyExact(value: unknown): string {
  const rawJSON = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'bigint' ? rawJSON(inner.toString()) : inner))
}

/** Makes a value safe for plain JSON consumers (browsers, jq): bigint becomes a decimal string. */
export function jsonSafe(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(jsonSafe)
  if (value instanceof Date) return value.toISOString()
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, inner]) => inner !== undefined)
        .map(([key, inner]) => [key, jsonSafe(inner)]),
    )
  return value
}
