/** Reads what a test has as an import reads it, by the collector that claims it or the one that is named, and takes the records apart. */
import type { NewRecord } from '../../collectors/collector.ts'
import { type Batch, readInput, type ReadCounts } from '../../collectors/read.ts'
import type { NewActivity } from '../../domain/activity.ts'
import type { NewAlert } from '../../domain/alert.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import type { NewFinding, NewScan, ScanEnd } from '../../domain/finding.ts'

export type Collected = {
  counts: ReadCounts
  records: NewRecord[]
  activities: NewActivity[]
  alerts: NewAlert[]
  findings: NewFinding[]
  scans: { scan: NewScan; end: ScanEnd }[]
  dead: Batch['deadLetters']
}
export type CollectOptions = { path?: string; format?: string; strict?: boolean; chunk?: number }

export const receivedNs = 1_790_000_000_000_000_000n

/** Text or bytes as they are, anything else as JSON. `format` absent: it must be recognised. */
export async function collect(content: unknown, { chunk = 97, ...options }: CollectOptions = {}): Promise<Collected> {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(typeof content === 'string' ? content : stringifyExact(content))
  async function* cut(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
  const records: NewRecord[] = []
  const dead: Batch['deadLetters'] = []
  const counts = await readInput(cut(), {
    path: 'report',
    ...options,
    source: { sourceId: null, sourceName: 'import', scope: 'lab', receivedNs },
    onBatch: async (batch) => {
      records.push(...batch.records)
      dead.push(...batch.deadLetters)
    },
  })
  return {
    counts,
    records,
    dead,
    activities: records.flatMap((record) => (record.kind === 'activity' ? [record.activity] : [])),
    alerts: records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : [])),
    findings: records.flatMap((record) => (record.kind === 'finding' ? [record.finding] : [])),
    scans: records.flatMap((record) => (record.kind === 'scan' ? [{ scan: record.scan, end: record.end }] : [])),
  }
}
