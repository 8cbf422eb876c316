/**
 * Reading input of any collector: decodes (gzip, UTF-8, UTF-16), finds out whose format it is, and turns it into
 * batches of records and dead letters. Every piece is accounted for: read = records' documents + dead letters;
 * skipped counts lines that are no record at all.
 */
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { InputError, InvariantError } from '../domain/errors.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Collector, NewRecord, Piece, SourceContext } from './collector.ts'
import { collectors } from './registry.generated.ts'
import { fromUtf16, utf16Order } from './utf16.ts'

export type DeadPiece = { at: string; reason: string; bytes: Uint8Array }
export type Batch = { records: NewRecord[]; deadLetters: DeadPiece[]; bytes: number }
export type ReadCounts = { format: string; read: number; records: number; internal: number; skipped: number; deadLetters: number }
export type ReadOptions = {
  path: string
  format?: string
  source: SourceContext
  onBatch: (batch: Batch) => Promise<void>
  batchSize?: number
  maxBytes?: number
  /** What is no record at all (a line of text) is a dead letter too: on the network nobody sends prose by habit. */ strict?: boolean
}

const sampleBytes = 65_536
/** Real documents stay below ten; what lies far beyond would exhaust a stack somewhere on its way. */
const maxNesting = 64

/** Reads one input to its end. Throws InputError when the format is not known, or the input is cut or too large. */
export async function readInput(input: AsyncIterable<Uint8Array>, options: ReadOptions): Promise<ReadCounts> {
  const { stream, sample } = await decoded(input, options.maxBytes ?? Number.POSITIVE_INFINITY)
  const collector = chooseCollector(sample, options)
  const counts: ReadCounts = { format: collector.name, read: 0, records: 0, internal: 0, skipped: 0, deadLetters: 0 }
  let batch: Batch = { records: [], deadLetters: [], bytes: 0 }
  const flush = async (): Promise<void> => {
    if (batch.records.length + batch.deadLetters.length === 0) return
    const full = batch
    batch = { records: [], deadLetters: [], bytes: 0 }
    await options.onBatch(full)
  }
  for await (const piece of collector.split(stream)) {
    if (piece.skipped === true && options.strict !== true) {
      counts.skipped += 1
      continue
    }
    counts.read += 1
    take(
      collector,
      piece.skipped === true ? { ...piece, error: `not a ${collector.title} document` } : piece,
      options.source,
      batch,
      counts,
    )
    if (batch.records.length + batch.deadLetters.length >= (options.batchSize ?? 500) || batch.bytes > 4 * 1024 * 1024) await flush()
  }
  await flush()
  return counts
}

function take(collector: Collector, piece: Piece, source: SourceContext, batch: Batch, counts: ReadCounts): void {
  batch.bytes += piece.bytes.length
  const dead = (reason: string): void => {
    counts.deadLetters += 1
    batch.deadLetters.push({ at: piece.at, reason, bytes: withheld(collector) ?? bytesOf(piece) })
  }
  if (piece.error !== undefined) return dead(piece.error)
  const unfit = whyUnfit(piece.raw)
  if (unfit !== null) return dead(unfit)
  const raw = collector.raw.safeParse(piece.raw)
  if (!raw.success)
    return dead(
      `not a ${collector.title} document: ${raw.error.issues
        .slice(0, 3)
        .map((issue) => `${issue.path.join('.') || 'document'}: ${issue.message}`)
        .join('; ')}`,
    )
  try {
    const records = [...collector.normalise(raw.data, piece, source)]
    if (records.length === 0) {
      // An object of a kind that is no part of inventory.
      counts.read -= 1
      counts.skipped += 1
    }
    counts.records += records.filter((record) => record.kind === 'alert').length
    counts.internal += records.filter((record) => record.kind === 'internal').length
    batch.records.push(...records)
  } catch (error) {
    if (!(error instanceof InputError)) throw new InvariantError(`collector ${collector.name} failed at ${piece.at}`, { cause: error })
    dead(error.message)
  }
}

const withheld = ({ withholds }: Collector): Uint8Array | null => (withholds === undefined ? null : Buffer.from(`[not kept: ${withholds}]`))

/** What was received; an object out of a list has no bytes of its own and is written out again. */
function bytesOf({ bytes, raw }: Piece): Uint8Array {
  if (bytes.length > 0 || raw === null) return bytes
  try {
    return Buffer.from(stringifyExact(raw) ?? '')
  } catch {
    return Buffer.from('[too deeply nested to be written out]')
  }
}

/** What no record can hold. Not found by recursion: it is asked of input that would exhaust the stack. */
function whyUnfit(value: unknown): string | null {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxNesting) return `nested deeper than ${maxNesting} levels`
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

function chooseCollector(sample: Buffer, options: ReadOptions): Collector {
  if (options.format !== undefined) {
    const named = collectors.find((collector) => collector.name === options.format)
    if (named === undefined)
      throw new InputError(`There is no format “${options.format}”. Known: ${collectors.map((collector) => collector.name).join(', ')}.`)
    return named
  }
  const text = sample.toString('utf8')
  if (text.trim() === '') throw new InputError(`${options.path}: it is empty.`)
  const found = collectors.find((collector) => collector.detect(text, options.path))
  if (found === undefined)
    throw new InputError(
      `${options.path}: ${looksLike(text)}. Expected one of: ${collectors.map((collector) => collector.title).join(', ')}. If it is one, name it with --format.`,
    )
  return found
}

function looksLike(sample: string): string {
  const start = sample.trimStart()
  if (/^[{[]/.test(start))
    return `it is JSON of a kind this version does not read${/"(\w[\w.$-]*)"\s*:/.test(start) ? ` (its first key is "${/"(\w[\w.$-]*)"\s*:/.exec(start)?.[1]}")` : ''}`
  if (/^<\?xml|^<\w/.test(start)) return 'it looks like XML'
  if (/[\0-\x08]/.test(start.slice(0, 512))) return 'it looks like binary data'
  if (/^[\w.-]+:(\s|$)/m.test(start)) return 'it looks like YAML of a kind this version does not read'
  return 'it looks like plain text'
}

/** The input as UTF-8 bytes, and its first 64 KiB. Gzip and UTF-16 are undone by their marks, not by the file's name. */
async function decoded(input: AsyncIterable<Uint8Array>, maxBytes: number): Promise<{ stream: AsyncIterable<Uint8Array>; sample: Buffer }> {
  let { first, rest } = await head(input, 4)
  let stream = bounded(rest, maxBytes)
  if (first[0] === 0x1f && first[1] === 0x8b) {
    stream = bounded(gunzip(rest), maxBytes)
    ;({ first, rest: stream } = await head(stream, 4))
  }
  const order = utf16Order(first)
  if (order !== null) stream = fromUtf16(stream, order)
  const sampled = await head(stream, sampleBytes)
  return { stream: sampled.rest, sample: sampled.first }
}

/** The first bytes, and the whole stream again. */
async function head(input: AsyncIterable<Uint8Array>, size: number): Promise<{ first: Buffer; rest: AsyncIterable<Uint8Array> }> {
  const iterator = input[Symbol.asyncIterator]()
  const parts: Uint8Array[] = []
  let held = 0
  while (held < size) {
    const next = await iterator.next()
    if (next.done === true) break
    parts.push(next.value)
    held += next.value.length
  }
  async function* again(): AsyncIterable<Uint8Array> {
    yield* parts.splice(0)
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  }
  return { first: Buffer.concat(parts).subarray(0, size), rest: again() }
}

async function* bounded(input: AsyncIterable<Uint8Array>, maxBytes: number): AsyncIterable<Uint8Array> {
  let total = 0
  for await (const part of input) {
    total += part.length
    if (total > maxBytes)
      throw new InputError(
        `the input is larger than ${maxBytes} bytes once unpacked; send it in parts. What came before may be stored: nothing is stored twice.`,
      )
    yield part
  }
}

async function* gunzip(input: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const unpacked = Readable.from(input).pipe(createGunzip())
  try {
    for await (const part of unpacked) yield part as Uint8Array
  } catch (error) {
    throw error instanceof InputError
      ? error
      : new InputError(
          `the gzip data is broken or cut off (${error instanceof Error ? error.message : 'unreadable'}); pack it again. What came before may be stored: nothing is stored twice.`,
          { cause: error },
        )
  }
}
