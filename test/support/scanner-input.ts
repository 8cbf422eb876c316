/** A scanner’s report read as an import reads it, and the same report with something of another type in it. */
import fc from 'fast-check'
import { type Batch, readInput, type ReadCounts } from '../../collectors/read.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import type { NewFinding, NewScan, ScanEnd } from '../../domain/finding.ts'
import type { NewRecord } from '../../domain/record.ts'

const receivedNs = 1_790_000_000_000_000_000n
export type ScannerReading = {
  counts: ReadCounts
  records: NewRecord[]
  findings: NewFinding[]
  scans: { scan: NewScan; end: ScanEnd }[]
  dead: Batch['deadLetters']
}

/** Text or bytes as they are, anything else as JSON. `format` absent: it must be recognised. */
export async function readScanner(content: unknown, format?: string, chunk = 97): Promise<ScannerReading> {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(typeof content === 'string' ? content : stringifyExact(content))
  async function* cut(): AsyncIterable<Uint8Array> {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
  const records: NewRecord[] = []
  const dead: Batch['deadLetters'] = []
  const counts = await readInput(cut(), {
    path: 'input',
    ...(format === undefined ? {} : { format }),
    source: { sourceId: null, sourceName: 's', scope: 'lab', receivedNs },
    onBatch: async (batch) => {
      records.push(...batch.records)
      dead.push(...batch.deadLetters)
    },
  })
  const findings = records.flatMap((record) => (record.kind === 'finding' ? [record.finding] : []))
  const scans = records.flatMap((record) => (record.kind === 'scan' ? [record] : []))
  return { counts, records, findings, scans, dead }
}

const others: readonly unknown[] = [null, true, -1, 0, 1e300, '', 'x', '0001-01-01T00:00:00Z', [], [null], [[]], [{}], {}, { a: [1] }]
/** The document with one value, at any depth, replaced by one of another kind. */
export const mutated = (document: unknown): fc.Arbitrary<unknown> =>
  fc.tuple(fc.array(fc.nat(1_000), { minLength: 1, maxLength: 9 }), fc.constantFrom(...others)).map(([path, other]) => {
    const copy: unknown = structuredClone(document)
    let inner = copy
    for (const [depth, step] of path.entries()) {
      const keys = Object.keys(inner as object)
      const key = keys[step % keys.length]
      if (key === undefined) return copy
      const next = (inner as Record<string, unknown>)[key]
      if (next === null || typeof next !== 'object' || depth === path.length - 1) {
        ;(inner as Record<string, unknown>)[key] = other
        return copy
      }
      inner = next
    }
    return copy
  })
