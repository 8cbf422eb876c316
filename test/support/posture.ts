/** Posture for tests: a scanner's report taken in as the server takes it, and attack steps derived to the end. */
import { readInput } from '../../collectors/read.ts'
import type { Clock } from '../../domain/clock.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { deriveMarked } from '../../graph/derive.ts'
import type { Database } from '../../store/database.ts'
import { addRecord, emptyDelivery } from '../../store/delivery.ts'
import { accept } from '../../store/intake.ts'

export async function recordScan(db: Database, clock: Clock, scope: string, report: unknown): Promise<void> {
  if (report === null) return
  const receivedNs = BigInt(clock.now().getTime()) * 1_000_000n
  async function* bytes(): AsyncIterable<Uint8Array> {
    yield Buffer.from(stringifyExact(report))
  }
  await readInput(bytes(), {
    path: 'trivy.json',
    format: 'trivy',
    source: { sourceId: null, sourceName: 'trivy', scope, receivedNs },
    onBatch: async ({ records, deadLetters }) => {
      if (deadLetters.length > 0) throw new Error(deadLetters[0]?.reason)
      const delivery = emptyDelivery({ sourceId: null, scope, receivedNs })
      for (const record of records) addRecord(delivery, record)
      await accept(db, clock, [delivery])
    },
  })
}

export async function deriveAll(db: Database, clock: Clock): Promise<void> {
  while ((await deriveMarked(db, clock)).more);
}
