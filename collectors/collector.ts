/**
 * The contract of a collector: one source's output turned into records.
 * `split` streams, `normalise` is pure. What does not fit becomes a dead letter with its reason, never a silent drop.
 */
import type { ZodType } from 'zod'
import type { NewRecord, RecordKind } from '../domain/record.ts'
import type { Path } from './json-elements.ts'

export type { NewRecord } from '../domain/record.ts'

/** Where a record comes from: `scope` is the cluster, `receivedNs` our clock, `path` what the input is called. */
export type SourceContext = { sourceId: string | null; sourceName: string; scope: string; receivedNs: bigint; path?: string }

/** One piece of input. `error` set: it could not be parsed, and becomes a dead letter. `skipped`: no record at all (start-up text). */
export type Piece = {
  raw: unknown
  bytes: Uint8Array
  at: string
  error?: string
  skipped?: boolean
  /** What `raw` was parsed from, and the bytes that say it; default: all of `bytes`. `alone`: they are that text, and nothing else came with it. */
  document?: { text: string; bytes: Uint8Array; alone?: boolean }
  /** Of a scanner’s report (report.ts): what stands around `raw`, in which list `raw` stands and where. */ report?: Report
  list?: string
  path?: Path
  /** The report ends here, and `raw` is what stands around its findings. */ end?: true
}

/** `value` is the document without the elements of its lists; `counts` says how many there were of each. */
export type Report = { value: unknown; sha256: string; counts: Record<string, number> }

export interface Collector<Raw = unknown> {
  /** The folder's name. */
  readonly name: string
  readonly title: string
  readonly produces: readonly RecordKind[]
  /** How to connect it, as Markdown; `{{url}}`, `{{secret}}` and `{{scope}}` are replaced. */
  readonly connect: string
  /** It says what there is: only its entities may ever be the target of an action, whatever others call them. */
  readonly inventory?: true
  /** Why the bytes of what cannot be read are not kept: a dead letter then says where it stood and what was wrong, no more. */
  readonly withholds?: string
  /** The first 64 KiB of a file as text (BOM and UTF-16 already decoded): is it ours? */
  detect(sample: string, path: string): boolean
  /** Streams input as pieces; constant memory. `at` = line or path, for dead letters. */
  split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece>
  /** What `raw` of a piece must be; by its list, where a report has several. */
  readonly raw: ZodType<Raw> | ((piece: Piece) => ZodType<Raw>)
  /** Pure. Throws InputError, in words a dead letter can show, when the document cannot be such a record. */
  normalise(raw: Raw, piece: Piece, source: SourceContext): Iterable<NewRecord>
}
