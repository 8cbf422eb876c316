/**
 * Reading input of any collector: decodes (gzip, UTF-8, UTF-16), finds out whose format it is, and turns it into
 * batches of records and dead letters. Every piece is accounted for: read = records' documents + dead letters;
 * skipped counts lines that are no record at all. Beyond a thousand, dead letters are put together (dead-pieces.ts).
 */
import { pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { InputError, InvariantError } from '../domain/errors.ts'
import { stringifyExact, whyUnfit } from '../domain/exact-json.ts'
import { isCounted } from '../domain/record.ts'
import type { Collector, NewRecord, Piece, Report, SourceContext } from './collector.ts'
import { type DeadPiece, DeadPieces } from './dead-pieces.ts'
import { looksLike } from './look-alikes.ts'
import { collectors } from './registry.generated.ts'
import { ToldBefore } from './told-before.ts'
import { fromUtf16, utf16Order } from './utf16.ts'

export type Batch = {
  /** See Collector.inventory. */ inventory: boolean
  records: NewRecord[]
  deadLetters: DeadPiece[]
  bytes: number
  /** Without what comes along. */ counted: number
}
export type ReadCounts = {
  format: string
  read: number
  records: number
  internal: number
  skipped: number
  deadLetters: number
  /** Reports of scanners that ended, empty ones too. */ scans: number
}
export type ReadOptions = {
  path: string
  format?: string
  source: SourceContext
  onBatch: (batch: Batch) => Promise<void>
  batchSize?: number
  maxDeadLetters?: number
  maxBytes?: number
  /** What is no record at all (a line of text) is a dead letter too: on the network nobody sends prose by habit. */ strict?: boolean
}

const sampleBytes = 65_536

/** Reads one input to its end. Throws InputError when the format is not known, or the input is cut or too large. */
export async function readInput(input: AsyncIterable<Uint8Array>, options: ReadOptions): Promise<ReadCounts> {
  const { stream, sample } = await decoded(input, options.maxBytes ?? Number.POSITIVE_INFINITY)
  const collector = chooseCollector(sample, options)
  const counts: ReadCounts = { format: collector.name, read: 0, records: 0, internal: 0, skipped: 0, deadLetters: 0, scans: 0 }
  const deadOf = new Map<Report, number>()
  const told = new ToldBefore()
  const source: SourceContext = { ...options.source, path: options.path }
  let batch: Batch = emptyBatch(collector)
  const dead = new DeadPieces(options.maxDeadLetters)
  const flush = async (): Promise<void> => {
    if (batch.records.length + batch.deadLetters.length === 0) return
    const full = batch
    batch = emptyBatch(collector)
    await options.onBatch(full)
  }
  for await (const piece of collector.split(stream)) {
    if (piece.skipped === true && options.strict !== true) {
      counts.skipped += 1
      continue
    }
    take(collector, piece.skipped === true ? { ...piece, error: `not a ${collector.title} document` } : piece, source, {
      batch,
      counts,
      dead,
      deadOf,
      told,
    })
    if (batch.counted + batch.deadLetters.length >= (options.batchSize ?? 500) || batch.bytes > 4 * 1024 * 1024) await flush()
  }
  const rest = dead.rest()
  if (rest !== null) {
    batch.deadLetters.push(rest)
    counts.deadLetters += 1
    counts.read += 1
  }
  await flush()
  return counts
}

const emptyBatch = ({ inventory }: Collector): Batch => ({
  inventory: inventory === true,
  records: [],
  deadLetters: [],
  bytes: 0,
  counted: 0,
})

type Taking = { batch: Batch; counts: ReadCounts; dead: DeadPieces; deadOf: Map<Report, number>; told: ToldBefore }
function take(collector: Collector, piece: Piece, source: SourceContext, { batch, counts, dead: pieces, deadOf, told }: Taking): void {
  const dead = (reason: string): void => {
    if (piece.report !== undefined) deadOf.set(piece.report, (deadOf.get(piece.report) ?? 0) + 1)
    const alone = pieces.take({ at: piece.at, reason, bytes: withheld(collector) ?? bytesOf(piece) })
    if (alone === null) return
    batch.bytes += piece.bytes.length
    counts.read += 1
    counts.deadLetters += 1
    batch.deadLetters.push(alone)
  }
  if (piece.error !== undefined) return dead(piece.error)
  const unfit = whyUnfit(piece.raw)
  if (unfit !== null) return dead(unfit)
  const raw = (typeof collector.raw === 'function' ? collector.raw(piece) : collector.raw).safeParse(piece.raw)
  if (!raw.success)
    return dead(
      `not a ${collector.title} document: ${raw.error.issues
        .slice(0, 3)
        .map((issue) => `${issue.path.join('.') || 'document'}: ${issue.message}`)
        .join('; ')}`,
    )
  try {
    const records = [...collector.normalise(raw.data, piece, source)].map((record) =>
      whole(record, deadOf.get(piece.report as Report) ?? 0),
    )
    const counted = records.filter(isCounted).length
    counts.read += counted
    if (piece.end === true) counts.scans += records.filter((record) => record.kind === 'scan').length
    // An object of a kind that is none of ours, or one that only comes along with others.
    else if (counted === 0) counts.skipped += 1
    batch.bytes += piece.bytes.length
    batch.counted += counted
    counts.records += records.filter((record) => record.kind === 'alert').length
    counts.internal += records.filter((record) => record.kind === 'internal').length
    batch.records.push(...records.filter((record) => told.isNews(record)))
  } catch (error) {
    if (error instanceof InputError) return dead(error.message)
    // The stack is exhausted: whatever made it so is in this piece, and is no reason to lose the others.
    if (error instanceof RangeError) return dead(`it cannot be taken apart: ${error.message}`)
    throw new InvariantError(`collector ${collector.name} failed at ${piece.at}`, { cause: error })
  }
}

/** A scan of which not everything could be read says nothing by what it does not list. */
function whole(record: NewRecord, dead: number): NewRecord {
  if (record.kind !== 'scan' || dead === 0) return record
  return { ...record, end: { ...record.end, failed: record.end.failed ?? `${dead} of its entries could not be read` } }
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

function chooseCollector(sample: Buffer, options: ReadOptions): Collector {
  if (options.format !== undefined) {
    const named = collectors.find((collector) => collector.name === options.format)
    if (named === undefined)
      throw new InputError(`There is no format “${options.format}”. Known: ${collectors.map((collector) => collector.name).join(', ')}.`)
    return named
  }
  const text = sample.toString('utf8')
  const found = collectors.find((collector) => collector.detect(text, options.path))
  if (found === undefined && text.trim() === '') throw new InputError(`${options.path}: it is empty.`)
  if (found === undefined)
    throw new InputError(
      `${options.path}: ${looksLike(text)}. If it is one of these, name it with --format: ${collectors.map((collector) => collector.name).join(', ')}.`,
    )
  return found
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
  // Not pipe(): what ends the input early must end this too, or it waits for ever.
  const unpacked = pipeline(Readable.from(input), createGunzip(), () => {})
  try {
    for await (const part of unpacked) yield part as Uint8Array
  } catch (error) {
    throw !String((error as NodeJS.ErrnoException).code).startsWith('Z_')
      ? error
      : new InputError(
          `the gzip data is broken or cut off (${error instanceof Error ? error.message : 'unreadable'}); pack it again. What came before may be stored: nothing is stored twice.`,
          { cause: error },
        )
  }
}
