/**
 * One report may tell of several scans: of each account, by each producer. While a report’s findings are handed on, it is noted
 * (in `report.value`, as far as the report was read) whose they are, so that its end can name each scan and count what it said.
 */
import { z } from 'zod'
import type { NewRecord } from '../domain/record.ts'
import { InputError } from '../domain/errors.ts'
import { formatEventTime } from '../domain/event-time.ts'
import type { FindingClass, NewScan, ResourceRef } from '../domain/finding.ts'
import type { Piece, Report, SourceContext } from './collector.ts'
import { scanOf } from './scan.ts'

const Looked = z.object({
  scanner: z.string(),
  version: z.string(),
  provider: z.string(),
  account: z.string(),
  name: z.string(),
  atNs: z.bigint().nullable(),
  findings: z.number(),
})
/** What one element of a report says of the scan it belongs to; `findings`: how many it makes. */
export type Looked = z.infer<typeof Looked>
export const Survey = z.object({ elements: z.number(), scans: z.array(Looked) })
export type Survey = z.infer<typeof Survey>

const keyOf = ({ scanner, provider, account }: Looked): string => JSON.stringify([scanner, provider, account])

/** `of` says whose an element is, null when it tells of no scan. It may throw: then the element becomes a dead letter where it is normalised. */
export async function* surveyed(pieces: AsyncIterable<Piece>, of: (raw: unknown) => Looked | null): AsyncIterable<Piece> {
  const known = new WeakMap<Report, Map<string, Looked>>()
  for await (const piece of pieces) {
    if (piece.list === '$' && isEmptyWrapper(piece.raw)) continue
    if (piece.report !== undefined) note(piece, piece.report, known, of)
    yield piece
  }
}

function note(piece: Piece, report: Report, known: WeakMap<Report, Map<string, Looked>>, of: (raw: unknown) => Looked | null): void {
  const survey = report.value as Survey
  survey.elements ??= 0
  survey.scans ??= []
  if (piece.end === true) return
  survey.elements += 1
  const looked = piece.error === undefined ? tried(of, piece.raw) : null
  if (looked === null) return
  const scans = known.get(report) ?? new Map<string, Looked>()
  known.set(report, scans)
  const first = scans.get(keyOf(looked))
  if (first !== undefined) first.findings += looked.findings
  else {
    scans.set(keyOf(looked), looked)
    survey.scans.push(looked)
  }
}

function tried(of: (raw: unknown) => Looked | null, raw: unknown): Looked | null {
  try {
    return of(raw)
  } catch {
    // `normalise` meets the same fault, and its dead letter says it.
    return null
  }
}

/** `{"Findings":[]}` is no finding, but a report without any. */
function isEmptyWrapper(raw: unknown): boolean {
  if (raw === null || typeof raw !== 'object') return false
  const lists = Object.entries(raw).filter(([name]) => /^(findings|events)$/i.test(name))
  return lists.length === 1 && Array.isArray(lists[0]?.[1]) && lists[0][1].length === 0
}

type Scanned = { covers: FindingClass[]; targetOf: (looked: Looked) => ResourceRef }

/** The scan that an element belongs to: as the first of its kind in this report said it. */
export function scanFor(looked: Looked, piece: Piece, source: SourceContext, scanned: Scanned): NewScan {
  const noted = (piece.report?.value as Partial<Survey> | undefined)?.scans?.find((one) => keyOf(one) === keyOf(looked))
  return scanSaid(noted ?? looked, piece, source, scanned)
}

function scanSaid(
  { scanner, version, atNs, ...whose }: Looked,
  { report }: Piece,
  source: SourceContext,
  { covers, targetOf }: Scanned,
): NewScan {
  if (report === undefined) throw new InputError('it stands in no report')
  const target = targetOf({ scanner, version, atNs, ...whose })
  return scanOf(report, source, { scanner, version: version || null, target, covers, time: atNs === null ? null : formatEventTime(atNs) })
}

/** At the end of a report: each scan it told of. A report with nothing in it is one scan, of nobody knows what. */
export function* scansAt(piece: Piece, survey: Survey, empty: string, source: SourceContext, scanned: Scanned): Iterable<NewRecord> {
  const nobody: Looked = { scanner: empty, version: '', provider: '', account: '', name: '', atNs: null, findings: 0 }
  for (const looked of survey.scans.length === 0 && survey.elements === 0 ? [nobody] : survey.scans)
    yield { kind: 'scan', scan: scanSaid(looked, piece, source, scanned), end: { findings: looked.findings, failed: null } }
}
