/** Reads a report the way an import does, and gives what came of it. */
import type { NewScan, NewFinding, ScanEnd } from '../../domain/finding.ts'
import type { NewRecord } from '../../collectors/collector.ts'
import { type Batch, readInput, type ReadCounts } from '../../collectors/read.ts'

export type ReadReport = {
  counts: ReadCounts
  records: NewRecord[]
  findings: NewFinding[]
  scans: { scan: NewScan; end: ScanEnd }[]
  dead: Batch['deadLetters']
}

export const receivedNs = 1_790_000_000_000_000_000n

export async function readReport(
  content: unknown,
  { path = 'report.json', format, chunk = 65_536 }: { path?: string; format?: string; chunk?: number } = {},
): Promise<ReadReport> {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(typeof content === 'string' ? content : JSON.stringify(content))
  const records: NewRecord[] = []
  const dead: Batch['deadLetters'] = []
  const counts = await readInput(
    (async function* () {
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
    })(),
    {
      path,
      ...(format === undefined ? {} : { format }),
      source: { sourceId: null, sourceName: 'import', scope: 'lab', receivedNs },
      onBatch: async (batch) => {
        records.push(...batch.records)
        dead.push(...batch.deadLetters)
      },
    },
  )
  return {
    counts,
    records,
    dead,
    findings: records.flatMap((one) => (one.kind === 'finding' ? [one.finding] : [])),
    scans: records.flatMap((one) => (one.kind === 'scan' ? [{ scan: one.scan, end: one.end }] : [])),
  }
}

/** Every place of a document, one after the other, replaced by each of these: what no scanner writes and anyone may send. */
export function* damaged(document: unknown): Iterable<unknown> {
  for (const path of placesOf(document))
    for (const value of [null, 7, 'x', [], {}, [null], [7], true, '__proto__']) yield replaced(document, path, value)
}

function placesOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  const inner = value !== null && typeof value === 'object' ? Object.entries(value as object) : []
  return [path, ...inner.flatMap(([key, one]) => placesOf(one, [...path, Array.isArray(value) ? Number(key) : key]))]
}

function replaced(document: unknown, [first, ...rest]: (string | number)[], value: unknown): unknown {
  if (first === undefined) return value
  const copy = (Array.isArray(document) ? [...document] : { ...(document as object) }) as Record<string | number, unknown>
  copy[first] = replaced(copy[first], rest, value)
  return copy
}
