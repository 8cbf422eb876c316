/**
 * Reading audit logs of any size in constant memory: an event a line, documents one after the other, lists, and lists inside a wrapper
 * (`Records`, `items`, …), each event as soon as it ends. A log that is cut off loses its last event only, and says so as a dead letter.
 * It does not know what an event means.
 */
import { parseExact, stringifyExact, whyUnfit } from '../domain/exact-json.ts'
import type { Piece } from './collector.ts'
import { type FoundDocument, findDocuments } from './documents.ts'
import { findElements } from './json-elements.ts'

export type LogLayout = {
  /** Names of the lists that a wrapper holds its events in. */
  wrappers: readonly string[]
  /** An event as it is read here, from what stood in the log: itself, or what is packed in it. `text`: JSON that is still to be parsed. Null: none of ours. */
  unpack(document: Record<string, unknown>): Unpacked
}
export type Unpacked = { event: unknown; translated?: true } | { text: string } | null

const shown = 65_536

export async function* splitLog(input: AsyncIterable<Uint8Array>, layout: LogLayout): AsyncIterable<Piece> {
  const { first, all } = await firstLine(input)
  if (isEvent(first, layout)) for await (const found of findDocuments(all)) yield* ofLine(found, layout)
  else yield* ofLists(all, layout)
}

/** Lines are told apart even where one of them is cut off; lists and pretty-printed documents go by their brackets. */
async function* ofLists(input: AsyncIterable<Uint8Array>, layout: LogLayout): AsyncIterable<Piece> {
  const lists = ['$.*', ...layout.wrappers.flatMap((name) => [`$.${name}.*`, `$.*.${name}.*`])]
  let number = 1
  for await (const found of findElements(input, lists)) {
    const at =
      found.kind === 'element'
        ? `document ${number}, event ${Number(found.path.findLast(Number.isInteger) ?? 0) + 1}`
        : `document ${number}`
    if (found.kind === 'broken') yield { raw: null, bytes: found.bytes.subarray(0, shown), at, error: found.reason }
    else yield* piecesOf(found.bytes, found.bytes.toString(), at, layout)
    if (found.kind === 'rest' || (found.kind === 'broken' && found.ends)) number += 1
  }
}

function* ofLine({ kind, bytes, from, at, reason }: FoundDocument, layout: LogLayout): Iterable<Piece> {
  if (kind === 'text') yield { raw: null, bytes, at, skipped: true }
  else if (kind === 'broken') yield { raw: null, bytes: bytes.subarray(0, shown), at, error: reason }
  else yield* piecesOf(bytes, new TextDecoder().decode(bytes.subarray(from)), at, layout)
}

function* piecesOf(bytes: Buffer, text: string, at: string, layout: LogLayout): Iterable<Piece> {
  const parsed = parse(text)
  if ('error' in parsed) return yield { raw: null, bytes: bytes.subarray(0, shown), at, error: parsed.error }
  const { value } = parsed
  // A wrapper inside a list comes whole; of others only what is left when their events were taken out.
  const within = Array.isArray(value) ? value : isObject(value) && isWrapper(value, layout) ? eventsOf(value, layout) : null
  if (within !== null) {
    const unfit = whyUnfit(within)
    if (unfit !== null) return yield { raw: null, bytes: bytes.subarray(0, shown), at, error: unfit }
    for (const [index, inner] of within.entries()) {
      const own = stringifyExact(inner)
      yield* piecesOf(Buffer.from(own), own, `${at}, event ${index + 1}`, layout)
    }
    return
  }
  const unpacked = isObject(value) ? layout.unpack(value) : { event: value }
  if (unpacked === null) return yield { raw: null, bytes, at, skipped: true }
  if ('event' in unpacked) {
    const packed = unpacked.translated === true ? whyUnfit(unpacked.event) : null
    if (packed !== null) return yield { raw: null, bytes: bytes.subarray(0, shown), at, error: packed }
    // What was translated is stored as it is read here: of another schema nobody has listed what may be kept.
    const own = unpacked.translated === true ? Buffer.from(stringifyExact(unpacked.event)) : bytes
    return yield { raw: unpacked.event, bytes: own, at, document: { text, bytes } }
  }
  const inner = parse(unpacked.text)
  if ('error' in inner) yield { raw: null, bytes, at, error: `the event packed in it is ${inner.error}` }
  else yield { raw: inner.value, bytes, at, document: { text: unpacked.text, bytes } }
}

const eventsOf = (value: Record<string, unknown>, { wrappers }: LogLayout): unknown[] => wrappers.flatMap((name) => value[name] ?? [])
const isObject = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object' && !Array.isArray(value)
const isWrapper = (value: Record<string, unknown>, { wrappers }: LogLayout): boolean =>
  wrappers.some((name) => name in value && (value[name] === null || Array.isArray(value[name])))

function isEvent(line: string, layout: LogLayout): boolean {
  const parsed = parse(line)
  return 'value' in parsed && isObject(parsed.value) && !isWrapper(parsed.value, layout)
}

function parse(text: string): { value: unknown } | { error: string } {
  try {
    return { value: parseExact(text) }
  } catch (error) {
    return { error: `not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}` }
  }
}

/** The first line that is not blank, as far as it is looked at, and all of the input again, without a byte order mark. */
async function firstLine(input: AsyncIterable<Uint8Array>): Promise<{ first: string; all: AsyncIterable<Uint8Array> }> {
  const iterator = input[Symbol.asyncIterator]()
  const parts: Uint8Array[] = []
  let held = 0
  let line: string | undefined
  let ended = false
  while (line === undefined && held <= looked && !ended) {
    const next = await iterator.next()
    ended = next.done === true
    if (next.done === true) break
    parts.push(next.value)
    held += next.value.length
    if (next.value.includes(0x0a)) line = /^\s*(\S[^\n]*)\n/.exec(Buffer.concat(parts).subarray(0, looked).toString())?.[1]
  }
  const head = Buffer.concat(parts)
  const mark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0
  async function* all(): AsyncIterable<Uint8Array> {
    yield head.subarray(mark)
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  }
  return { first: (line ?? (ended ? head.toString() : '')).replace(/^\ufeff/, ''), all: all() }
}
const looked = 256 * 1024
