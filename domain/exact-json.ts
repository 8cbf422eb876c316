/**
 * JSON with every digit kept. Integers beyond 2^53 (Falco's evt.time) become bigint when read and digits when written. Nearly every
 * document has one, so both ways let the engine do the work at its full speed and touch only the long integers themselves.
 */
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown

const longNumber = /\d{16}/
/** A long integer where an element or a member's value stands; or what looks like one inside a string. */
const longInteger = /([:,[\s])(-?[1-9]\d{15,})(?=\s*[,}\]])/g
const mark = '\x7f'

/** Parses one JSON document. Throws SyntaxError as JSON.parse does. */
export function parseExact(text: string): unknown {
  return longNumber.test(text) ? (parseMarked(text) ?? parseRevived(text)) : JSON.parse(text)
}

/**
 * Long integers are parsed as marked strings. Digits that stood inside a string would end it just before a mark, which no JSON allows.
 * Undefined: what cannot be read this way, or is no JSON, is for the slow way to say.
 */
function parseMarked(text: string): unknown {
  if (text.includes(mark) || text.includes('\\u007')) return undefined
  const marked = text.replace(longInteger, `$1"${mark}$2"`)
  if (marked.length === text.length) return undefined
  try {
    const value = JSON.parse(marked) as object
    unmark(value as Record<string, unknown>, maxNesting)
    return value
  } catch {
    return undefined
  }
}

function unmark(within: Record<string, unknown>, levels: number): void {
  if (levels < 0) throw new RangeError(tooDeep)
  // Not for…in: over an object that is being changed it takes thrice as long.
  for (const key of Object.keys(within)) {
    const value = within[key]
    if (typeof value === 'string') {
      if (value.startsWith(mark)) within[key] = integer(value.slice(1))
    } else if (value !== null && typeof value === 'object') unmark(value as Record<string, unknown>, levels - 1)
  }
}
const integer = (digits: string): number | bigint => (Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits))

function parseRevived(text: string): unknown {
  const revive: Reviver = (_key, value, context) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && context.source !== undefined && /^-?\d+$/.test(context.source)
      ? BigInt(context.source)
      : value
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown)
}

const rawJSON = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/** Writes a value as JSON; a bigint is written as its digits. The reverse of parseExact. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(withDigits(value))
}

/** The value itself where there is no bigint in it: to hand each member to a function, as JSON.stringify can, costs many times the writing. */
function withDigits(value: unknown): unknown {
  if (typeof value === 'bigint') return rawJSON(value.toString())
  if (value === null || typeof value !== 'object' || typeof (value as { toJSON?: unknown }).toJSON === 'function') return value
  const members = value as Record<string, unknown>
  let copy: Record<string, unknown> | undefined
  for (const key of Object.keys(members)) {
    const inner = members[key]
    if (typeof inner !== 'bigint' && (typeof inner !== 'object' || inner === null)) continue
    const written = withDigits(inner)
    if (written === inner) continue
    copy ??= (Array.isArray(value) ? [...(value as unknown[])] : { ...members }) as Record<string, unknown>
    copy[key] = written
  }
  return copy ?? value
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
