/**
 * A document as pieces: what it describes, its components, its vulnerabilities, each of these with the components it may point at.
 * Those are held only while a report that has vulnerabilities is read; vulnerabilities that stand before components wait for them.
 */
import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import type { Piece, Report } from '../collector.ts'
import { splitReports } from '../report.ts'
import { type Part, partsOf, subjectOf, Vulnerability } from './document.ts'
import { bomFromXml, wholeXml } from './xml.ts'

export const lists = { subject: '$.metadata', components: '$.components.*', vulnerabilities: '$.vulnerabilities.*' } as const
const layout = { lists: [lists.components, lists.vulnerabilities] }
const mostParts = 500_000
const mostWaitingBytes = 64 * 1024 * 1024
const shown = 65_536

/** A vulnerability, and the components of its document by their `bom-ref`. */
export const Pointing = z.object({
  vulnerability: Vulnerability,
  parts: z.custom<ReadonlyMap<string, Part>>((value) => value instanceof Map),
})
export type Pointing = z.infer<typeof Pointing>
export const End = z.object({ findings: z.number() })
export type End = z.infer<typeof End>

export async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  const { isXml, all } = await begun(input)
  if (!isXml) return yield* pointing(splitReports(all, layout))
  const bytes = await wholeXml(all)
  let json: string
  try {
    json = JSON.stringify(bomFromXml(bytes.toString()))
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    yield { raw: null, bytes: bytes.subarray(0, shown), at: 'document', error: error.message }
    return
  }
  yield* pointing(splitReports(once(Buffer.from(json)), layout))
}

async function* pointing(pieces: AsyncIterable<Piece>): AsyncIterable<Piece> {
  let reading: Reading | null = null
  for await (const piece of pieces) {
    const { report } = piece
    if (report !== undefined && report !== reading?.report) {
      reading = new Reading(report)
      yield* reading.subject()
    }
    yield* reading === null ? [piece] : reading.take(piece)
  }
}

/** One report, from its first piece to its end. */
class Reading {
  readonly report: Report
  readonly #parts = new Map<string, Part>()
  readonly #waiting: Piece[] = []
  readonly #image: Part | null
  #waitingBytes = 0
  #components = 0
  #findings = 0

  constructor(report: Report) {
    this.report = report
    const subject = this.#know(subjectOf(report.value), null)
    this.#image = subject?.image ? subject : null
  }

  *subject(): Iterable<Piece> {
    const raw = subjectOf(this.report.value)
    if (raw !== undefined)
      yield {
        raw,
        bytes: Buffer.alloc(0),
        at: 'metadata.component',
        report: this.report,
        list: lists.subject,
        path: ['metadata', 'component'],
      }
  }

  *take(piece: Piece): Iterable<Piece> {
    if (piece.end === true) {
      yield* this.#waiting.splice(0).map((one) => this.#pointing(one))
      yield { ...piece, raw: { findings: this.#findings } satisfies End }
    } else if (piece.list === lists.vulnerabilities) {
      this.#findings += affected(piece.raw)
      if (this.#components >= (this.report.counts[lists.components] ?? 0)) yield this.#pointing(piece)
      else if ((this.#waitingBytes += piece.bytes.length) <= mostWaitingBytes) this.#waiting.push(piece)
      else yield { ...piece, error: `vulnerabilities that stand before the components are larger than ${mostWaitingBytes} bytes together` }
    } else {
      if (piece.list === lists.components) {
        this.#components += 1
        if (this.report.counts[lists.vulnerabilities] !== undefined) this.#know(piece.raw, this.#image)
      }
      yield piece
    }
  }

  /** Answers the component itself. What does not fit says so as a piece of its own. */
  #know(raw: unknown, within: Part | null): Part | undefined {
    let outermost: Part | undefined
    try {
      for (const part of partsOf(raw, within)) {
        outermost ??= part
        if (part.ref !== null && this.#parts.size <= mostParts) this.#parts.set(part.ref, part)
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
    }
    return outermost
  }

  #pointing(piece: Piece): Piece {
    if (this.#parts.size > mostParts) return { ...piece, error: `its report has more than ${mostParts} components to point at` }
    return { ...piece, raw: { vulnerability: piece.raw, parts: this.#parts } }
  }
}

/** So many findings it makes: one for each component it affects. */
function affected(vulnerability: unknown): number {
  const affects = vulnerability !== null && typeof vulnerability === 'object' ? (vulnerability as { affects?: unknown }).affects : undefined
  return Array.isArray(affects) ? Math.max(1, affects.length) : 1
}

/** Whether the first byte that is no white space opens a tag, and all of the input again. */
async function begun(input: AsyncIterable<Uint8Array>): Promise<{ isXml: boolean; all: AsyncIterable<Uint8Array> }> {
  const iterator = input[Symbol.asyncIterator]()
  const held: Uint8Array[] = []
  let first: number | undefined
  while (first === undefined) {
    const next = await iterator.next()
    if (next.done === true) break
    held.push(next.value)
    // White space, and the three bytes of a byte order mark.
    first = next.value.find((byte) => byte > 0x20 && byte !== 0xef && byte !== 0xbb && byte !== 0xbf)
  }
  async function* all(): AsyncIterable<Uint8Array> {
    yield* held.splice(0)
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value
  }
  return { isXml: first === 0x3c, all: all() }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
