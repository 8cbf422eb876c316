/**
 * Values on their way in and out of SQL. Postgres text and jsonb refuse NUL and broken UTF-16, which real
 * data contains: they are escaped reversibly with U+241B (␛), and read back to the very same string.
 */
import { type RawBuilder, sql } from 'kysely'
import { stringifyExact } from '../domain/exact-json.ts'

const refused = /[\0\u241b]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
const needsEscape = /[\0\u241b\ud800-\udfff]/
const escaped = /\u241b(\u241b|0|[0-9a-f]{4})/g

export const escapeText = (text: string): string =>
  needsEscape.test(text)
    ? text.replace(refused, (character) =>
        character === '\0' ? '\u241b0' : character === '\u241b' ? '\u241b\u241b' : `\u241b${character.charCodeAt(0).toString(16)}`,
      )
    : text

export const unescapeText = (text: string): string =>
  text.includes('\u241b')
    ? text.replace(escaped, (_all, code: string) =>
        code === '0' ? '\0' : code === '\u241b' ? code : String.fromCharCode(Number.parseInt(code, 16)),
      )
    : text

/** `escapeText` for every string and key inside a JSON value; the value itself when nothing needs it. */
export function escapeDeep<T>(value: T): T {
  return anyString(value, (text) => needsEscape.test(text)) ? mapStrings(value, escapeText) : value
}
export function unescapeDeep<T>(value: T): T {
  return anyString(value, (text) => text.includes('\u241b')) ? mapStrings(value, unescapeText) : value
}

/** Asked first, of every record: to copy one costs many times what looking through it does. */
function anyString(value: unknown, test: (text: string) => boolean): boolean {
  if (typeof value === 'string') return test(value)
  if (value === null || typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array) return false
  if (Array.isArray(value)) return value.some((inner) => anyString(inner, test))
  return Object.keys(value).some((key) => test(key) || anyString((value as Record<string, unknown>)[key], test))
}

function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === 'string') return change(value) as T
  if (Array.isArray(value)) return value.map((inner: unknown) => mapStrings(inner, change)) as T
  if (value !== null && typeof value === 'object' && !(value instanceof Date) && !(value instanceof Uint8Array))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [change(key), mapStrings(inner as unknown, change)])) as T
  return value
}

/** A value as the text of a JSON parameter, every digit kept and all escaped. What needs escaping shows in the text: most need none. */
export function jsonText(value: unknown): string {
  const text = stringifyExact(value)
  return signs.some((sign) => text.includes(sign)) ? stringifyExact(escapeDeep(value)) : text
}
const signs = ['\\u0000', '\\ud', '\u241b'] as const

/** A value as a jsonb parameter. */
export const json = (value: unknown): RawBuilder<unknown> => sql`${jsonText(value)}::jsonb`
