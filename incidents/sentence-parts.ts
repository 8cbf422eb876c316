/**
 * Sentences as grounding and pages see them: plain words, and values quoted from records between marks of ours. Whether a
 * record's value holds what a sentence quotes: all of it, a whole word of it, its beginning where it was cut, a part of an instant.
 */

const open = '⟦'
const close = '⟧'
/** A value a sentence may shorten, with an ellipsis, to no less than this. */
const cutFrom = 100

/** Puts a record's value into a sentence, so that grounding can find it again. Shown as code. */
export const quote = (value: string): string => `${open}${bare(value)}${close}`
export const bare = (value: string): string => value.replaceAll(open, '[').replaceAll(close, ']')

/** The sentence in parts: plain words of ours, and values quoted from records; `cut` says that an ellipsis follows. */
export function sentenceParts(text: string): { quoted: boolean; text: string; cut: boolean }[] {
  const parts = text.split(/(⟦[^⟧]*⟧)/u).filter((part) => part !== '')
  return parts.map((part, index) =>
    part.startsWith(open) && part.endsWith(close)
      ? { quoted: true, text: part.slice(1, -1), cut: parts[index + 1]?.startsWith('…') === true }
      : { quoted: false, text: part, cut: false },
  )
}
/** Plain words have no mark of a quotation left in them. */
export const isClosed = (words: string): boolean => !words.includes(open) && !words.includes(close)

/** A value as it stands in a record, and where. */
export type Held = { path: string; value: string }

export function holds({ path, value }: Held, quoted: string, cut = false): boolean {
  if (value === quoted) return true
  if (instants.has(path)) return instantParts.some(([from, to]) => value.slice(from, to) === quoted)
  if (cut && quoted.length >= cutFrom && value.startsWith(quoted)) return true
  return quoted.length >= 3 && standsAlone(value, quoted)
}

/** Fields that hold a moment. */
const instants: ReadonlySet<string> = new Set(['eventTime', 'lastSeenAt', 'firstTime', 'lastTime', 'decidedAt', 'expires'])
export const isInstantPath = (path: string): boolean => instants.has(path)
/** Of 2026-11-24T10:01:22.123Z: date and time, date, time, each to the minute or second. */
const instantParts = [
  [0, 19],
  [0, 16],
  [0, 10],
  [11, 19],
  [11, 16],
] as const

/** Found between blanks, quotation marks or brackets: part of a word is another word, and 10.0.0.1 is not 10.0.0.12. */
function standsAlone(value: string, wanted: string): boolean {
  const ends = (character: string | undefined): boolean => character === undefined || /[\s"'`=,;|<>&()[\]{}]/.test(character)
  for (let at = value.indexOf(wanted); at >= 0; at = value.indexOf(wanted, at + 1))
    if (ends(value[at - 1]) && ends(value[at + wanted.length])) return true
  return false
}

const shapes = [
  /\b\d{1,3}(?:\.\d{1,3}){3}\b/g, // an IPv4 address
  /(?<![\w:])(?=[0-9a-f:]*::|(?:[0-9a-f]+:){4})[0-9a-f:]{4,}(?![\w:])/gi, // an IPv6 address
  /\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/gi, // a hash, an id, a UUID's parts
  /\b\d{1,2}:\d{2}(?::\d{2})?\b/g, // a time of day
  /(?<![\w.])\/(?:[\w.@-]+\/)+[\w.@-]*/g, // a path
  /\b(?:[a-z0-9-]+\.){2,}[a-z]{2,}\b/gi, // a host's name
  /\b[a-z][a-z0-9]*(?:-[a-z0-9]+)*-(?=[a-z]*\d)[a-z0-9]{4,10}\b/g, // a pod's name
]

/** What in plain words has the shape of a record's value; of one within another, the other. Numbers and dates are left out: sentences count and reckon. */
export function lookalikes(words: string): string[] {
  const found = shapes.flatMap((shape) =>
    [...words.matchAll(shape)].map(({ 0: text, index }) => ({ text, from: index, to: index + text.length })),
  )
  return found
    .filter((one) => !found.some((other) => other.from <= one.from && other.to >= one.to && other.text.length > one.text.length))
    .map(({ text }) => text)
}
