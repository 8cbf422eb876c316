/** One file of a scanner read as an import reads it, in chunks of a size: what it made, what died, and which format it was taken for. */
import { readFile } from 'node:fs/promises'
import { type Batch, readInput, type ReadCounts } from '../../collectors/read.ts'
import type { NewFinding, NewScan, ScanEnd } from '../../domain/finding.ts'
import type { NewRecord } from '../../domain/record.ts'

export type Reading = {
  counts: ReadCounts
  records: NewRecord[]
  findings: NewFinding[]
  scans: { scan: NewScan; end: ScanEnd }[]
  dead: Batch['deadLetters']
}

export async function readReport(path: string, chunk = 65_536): Promise<Reading> {
  const bytes = await readFile(path)
  async function* cut(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
  const records: NewRecord[] = []
  const dead: Batch['deadLetters'] = []
  const counts = await readInput(cut(), {
    path,
    source: { sourceId: null, sourceName: 'import', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n },
    onBatch: async (batch) => {
      records.push(...batch.records)
      dead.push(...batch.deadLetters)
    },
  })
  const findings = records.flatMap((record) => (record.kind === 'finding' ? [record.finding] : []))
  const scans = records.flatMap((record) => (record.kind === 'scan' ? [record] : []))
  return { counts, records, findings, scans, dead }
}
