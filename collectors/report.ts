/**
 * Reading a scanner's report of any size in constant memory: what stands around its findings is read first (much of it stands behind
 * them), then the findings come one by one, each with the whole report around it. The input is read twice, from memory or from a file.
 * A report that is cut off is one dead letter: it is never half-read.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ZodType } from 'zod'
import { InputError } from '../domain/errors.ts'
import { parseExact } from '../domain/exact-json.ts'
import { newId } from '../domain/ids.ts'
import type { Piece, Report } from './collector.ts'
import { findElements, type FoundElement, type Path } from './json-elements.ts'

export type ReportLayout = {
  /** Where the findings stand: `$.Results.*.Vulnerabilities.*`; `$.*`: the document is the list. */
  lists: readonly string[]
  /** A document of its own that is no list is one finding (NDJSON), and the whole input one report. Default: each document is a report. */
  documentsAreElements?: boolean
}

const inMemory = 8 * 1024 * 1024
const mostAround = 64 * 1024 * 1024
const shown = 65_536

/** Pieces with `report` set: one per element (`list`, `path`), and at the end of each report one with `end`, whose `raw` is the report itself. */
export async function* splitReports(input: AsyncIterable<Uint8Array>, layout: ReportLayout): AsyncIterable<Piece> {
  const spool = await Spool.of(input)
  try {
    const reports = layout.documentsAreElements === true ? [await whole(spool)] : await around(spool, layout)
    if (layout.documentsAreElements === true) yield* elementsOfAll(spool, layout, reports[0] as Report)
    else yield* elementsOfEach(spool, layout, reports)
  } finally {
    await spool.drop()
  }
}

/** First pass: of each document what stands around its elements, and its digest. Undefined: it cannot be read. */
async function around(spool: Spool, { lists }: ReportLayout): Promise<(Report | undefined)[]> {
  const reports: (Report | undefined)[] = []
  let hash = createHash('sha256')
  let held = 0
  for await (const found of findElements(spool.read(), lists)) {
    hash.update(found.bytes)
    if (found.kind === 'broken' && found.ends) reports.push(undefined)
    if (found.kind !== 'rest') continue
    held += found.bytes.length
    if (held > mostAround)
      throw new InputError(`what stands around the findings is larger than ${mostAround} bytes; import the reports one by one`)
    const parsed = parse(found.bytes.toString())
    reports.push('value' in parsed ? { value: parsed.value, sha256: hash.digest('hex'), counts: found.counts } : undefined)
    hash = createHash('sha256')
  }
  return reports
}

async function whole(spool: Spool): Promise<Report> {
  const hash = createHash('sha256')
  for await (const chunk of spool.read()) hash.update(chunk)
  return { value: {}, sha256: hash.digest('hex'), counts: {} }
}

async function* elementsOfEach(spool: Spool, { lists }: ReportLayout, reports: readonly (Report | undefined)[]): AsyncIterable<Piece> {
  let index = 0
  for await (const found of findElements(spool.read(), lists)) {
    const report = reports[index]
    const place = reports.length > 1 ? `document ${index + 1}` : 'report'
    if (found.kind === 'broken') {
      yield { ...broken(found, place), report, path: found.path }
      if (found.ends) index += 1
    } else if (found.kind === 'element') {
      // Of a report that does not end, or is no JSON, nothing is taken.
      if (report !== undefined) yield elementPiece(found, place, report)
    } else {
      index += 1
      if (report === undefined) yield { raw: null, bytes: found.bytes.subarray(0, shown), at: place, ...parse(found.bytes.toString()) }
      else
        yield {
          raw: report.value,
          bytes: found.bytes,
          at: place,
          report,
          end: true,
          document: { text: found.bytes.toString(), bytes: found.bytes },
        }
    }
  }
}

async function* elementsOfAll(spool: Spool, { lists }: ReportLayout, report: Report): AsyncIterable<Piece> {
  let document = 0
  let total = 0
  for await (const found of findElements(spool.read(), lists)) {
    const place = `document ${document + 1}`
    if (found.kind === 'broken') yield { ...broken(found, place), report }
    else if (found.kind === 'element') {
      total += 1
      yield elementPiece(found, place, report)
    } else {
      document += 1
      const parsed = parse(found.bytes.toString())
      if ('error' in parsed) yield { raw: null, bytes: found.bytes.subarray(0, shown), at: place, error: parsed.error, report }
      // A list that was taken apart is no element.
      if ('error' in parsed || Array.isArray(parsed.value) || Object.keys(found.counts).length > 0) continue
      total += 1
      yield {
        raw: parsed.value,
        bytes: found.bytes,
        at: place,
        report,
        list: '$',
        path: [],
        document: { text: found.bytes.toString(), bytes: found.bytes },
      }
    }
  }
  report.counts = { $: total }
  yield { raw: report.value, bytes: Buffer.alloc(0), at: 'report', report, end: true }
}

function elementPiece(found: Extract<FoundElement, { kind: 'element' }>, place: string, report: Report): Piece {
  const { list, path, bytes } = found
  const at = `${place === 'report' ? '' : `${place}: `}${placeOf(path)}`
  const text = bytes.toString()
  const parsed = parse(text)
  if ('error' in parsed) return { raw: null, bytes, at, error: parsed.error, report, list, path }
  return { raw: parsed.value, bytes, at, report, list, path, document: { text, bytes } }
}

/** Results[3].Vulnerabilities[17] */
const placeOf = (path: Path): string =>
  path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '')

const broken = (found: Extract<FoundElement, { kind: 'broken' }>, at: string): Piece => ({
  raw: null,
  bytes: found.bytes.subarray(0, shown),
  at,
  error: found.reason,
})

function parse(text: string): { value: unknown } | { error: string } {
  try {
    return { value: parseExact(text) }
  } catch (error) {
    return { error: `not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}` }
  }
}

/** A cluster’s object is the same report in whichever list it comes and however it is written: its UID and version name it. Null: it is none. */
export function versionDigest(value: unknown): string | null {
  const { metadata } = (value ?? {}) as { metadata?: { uid?: unknown; resourceVersion?: unknown } | null }
  const { uid, resourceVersion } = metadata ?? {}
  if (typeof uid !== 'string' || typeof resourceVersion !== 'string') return null
  return createHash('sha256')
    .update(JSON.stringify([uid, resourceVersion]))
    .digest('hex')
}

/** What the report says around its findings, checked once however many they are. Throws InputError. */
export function aroundOf<T, R = T>(
  schema: ZodType<T>,
  make: (value: T, report: Report) => R = (value) => value as unknown as R,
): (piece: Piece) => R {
  const known = new WeakMap<Report, R>()
  return ({ report }) => {
    if (report === undefined) throw new InputError('it stands in no report')
    let made = known.get(report)
    if (made === undefined) {
      const parsed = schema.safeParse(report.value)
      if (!parsed.success) {
        const [issue] = parsed.error.issues
        throw new InputError(`the report around it does not fit: ${issue?.path.join('.') || 'document'}: ${issue?.message}`)
      }
      made = make(parsed.data, report)
      known.set(report, made)
    }
    return made
  }
}

/** Input that can be read more than once: kept in memory while it is small, else in a file only we can read. */
class Spool {
  readonly #parts: Uint8Array[] = []
  #file: { path: string; handle: FileHandle } | null = null

  static async of(input: AsyncIterable<Uint8Array>): Promise<Spool> {
    const spool = new Spool()
    let size = 0
    try {
      for await (const part of input) {
        size += part.length
        if (spool.#file === null && size > inMemory) await spool.#toFile()
        if (spool.#file === null) spool.#parts.push(Uint8Array.from(part))
        else await spool.#file.handle.appendFile(part)
      }
      await spool.#file?.handle.sync()
    } catch (error) {
      await spool.drop()
      throw error
    }
    return spool
  }

  async #toFile(): Promise<void> {
    const path = join(tmpdir(), `falconer-report-${newId()}`)
    const handle = await open(path, 'wx', 0o600)
    this.#file = { path, handle }
    for (const part of this.#parts.splice(0)) await handle.appendFile(part)
  }

  async *read(): AsyncIterable<Uint8Array> {
    if (this.#file === null) yield* this.#parts
    else yield* createReadStream(this.#file.path, { highWaterMark: 256 * 1024 })
  }

  async drop(): Promise<void> {
    const file = this.#file
    this.#file = null
    if (file === null) return
    await file.handle.close().catch(() => {})
    await rm(file.path, { force: true })
  }
}
