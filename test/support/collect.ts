/** Reads what a test wrote, by the collector that claims it (or the one that is named), and takes the records apart. */
import type { NewRecord } from '../../collectors/collector.ts'
import { readInput, type ReadCounts } from '../../collectors/read.ts'
import type { NewAlert } from '../../domain/alert.ts'
import type { NewFinding, NewScan, ScanEnd } from '../../domain/finding.ts'

export type Collected = {
  counts: ReadCounts
  findings: NewFinding[]
  alerts: NewAlert[]
  scans: { scan: NewScan; end: ScanEnd }[]
  dead: string[]
}

export async function collect(text: string, options: { path?: string; format?: string; chunk?: number } = {}): Promise<Collected> {
  const records: NewRecord[] = []
  const dead: string[] = []
  const bytes = Buffer.from(text)
  async function* cut(): AsyncIterable<Uint8Array> {
    const size = options.chunk ?? 1_000
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const counts = await readInput(cut(), {
    path: options.path ?? 'report',
    ...(options.format === undefined ? {} : { format: options.format }),
    source: { sourceId: null, sourceName: 'test', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n },
    onBatch: async (batch) => {
      records.push(...batch.records)
      dead.push(...batch.deadLetters.map(({ reason }) => reason))
    },
  })
  return {
    counts,
    dead,
    findings: records.flatMap((record) => (record.kind === 'finding' ? [record.finding] : [])),
    alerts: records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : [])),
    scans: records.flatMap((record) => (record.kind === 'scan' ? [record] : [])),
  }
}

const wrong: readonly unknown[] = [null, 7, -1.5, 'x', '', true, [], {}, [null], [[1]], { a: [{}] }, '\0\ud800', 12345678901234567890n]

/** The document once for each place in it and each wrong value there. */
export function* mutations(document: unknown): Iterable<unknown> {
  yield* wrong
  if (Array.isArray(document))
    for (const [index, inner] of document.entries())
      for (const other of mutations(inner)) yield document.map((one: unknown, at) => (at === index ? other : one))
  else if (document !== null && typeof document === 'object')
    for (const [key, inner] of Object.entries(document)) {
      const { [key]: _, ...others } = document as Record<string, unknown>
      yield others
      for (const other of mutations(inner)) yield { ...document, [key]: other }
    }
}
