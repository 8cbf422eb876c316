/** Reads a text as one input of a collector, in chunks, as `falconer import` and the ingest do. */
import type { NewRecord } from '../../collectors/collector.ts'
import { type Batch, readInput, type ReadCounts } from '../../collectors/read.ts'
import type { NewActivity } from '../../domain/activity.ts'
import type { NewAlert } from '../../domain/alert.ts'

export type AuditInput = { counts: ReadCounts; activities: NewActivity[]; alerts: NewAlert[]; dead: Batch['deadLetters'] }

export async function readAudit(text: string, options: { format?: string; strict?: boolean; chunk?: number } = {}): Promise<AuditInput> {
  const bytes = Buffer.from(text)
  const { chunk = 777, ...rest } = options
  const records: NewRecord[] = []
  const dead: Batch['deadLetters'] = []
  const counts = await readInput(
    (async function* () {
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
    })(),
    {
      path: 'input',
      source: { sourceId: null, sourceName: 's', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n },
      onBatch: async (batch) => {
        records.push(...batch.records)
        dead.push(...batch.deadLetters)
      },
      ...rest,
    },
  )
  return {
    counts,
    dead,
    activities: records.flatMap((record) => (record.kind === 'activity' ? [record.activity] : [])),
    alerts: records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : [])),
  }
}

/** All that would be stored of them, as text. */
export const storedText = ({ activities, alerts }: Pick<AuditInput, 'activities' | 'alerts'>): string =>
  [...activities, ...alerts]
    .map((record) => `${JSON.stringify({ ...record, raw: null, eventNs: null })}${Buffer.from(record.raw).toString()}`)
    .join('\n')

/** One value of the document, somewhere, is another. `at`: how deep and where, from 0 to 1. */
export function damaged(document: unknown, at: readonly number[], value: unknown): unknown {
  const [first, ...rest] = at
  if (first === undefined || document === null || typeof document !== 'object') return value
  const names = Object.keys(document)
  if (names.length === 0) return value
  const name = names[Math.min(names.length - 1, Math.floor(first * names.length))] as string
  const inner = damaged((document as Record<string, unknown>)[name], rest, value)
  return Array.isArray(document) ? document.with(Number(name), inner) : { ...document, [name]: inner }
}
