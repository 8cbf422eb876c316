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

/** Real documents stay below ten levels; what lies far beyond would exhaust a stack somewhere on its way. */
export const maxNesting = 64
export const tooDeep = `nested deeper than ${maxNesting} levels`

/** Why no record can hold it, or null. Not found by recursion: it is asked of input that would exhaust the stack. */
export function whyUnfit(value: unknown): string | null {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxNesting) return tooDeep
    const below: unknown[] = []
    for (const inner of level) {
      // 1e999 is JSON, but no number: written out again it would be null.
      if (typeof inner === 'number' && !Number.isFinite(inner)) return 'it holds a number too large to be kept'
      if (inner !== null && typeof inner === 'object') for (const one of Object.values(inner)) below.push(one)
    }
    level = below
  }
  return null
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
