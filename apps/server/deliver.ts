/** From bytes of one collector to committed rows: reads, normalises, and submits batch by batch to the intake queue. */
import { readInput, type Batch } from '../../collectors/read.ts'
import { fromDate } from '../../domain/event-time.ts'
import { storedKeys } from '../../store/content-keys.ts'
import { addRecord, emptyDelivery } from '../../store/delivery.ts'
import type { Tally } from '../../store/sources.ts'
import type { Falconer } from './falconer.ts'

export type Delivered = {
  format: string
  read: number
  skipped: number
  scans: number
  tally: Tally
  entities: number
  /** Where the first stood that could not be read, and why. */ firstDeadLetter: string | null
}
export type DeliverOptions = {
  path: string
  format?: string
  source: { id: string | null; name: string; scope: string }
  maxBytes?: number
  strict?: boolean
  /** It may have been sent and committed before: what is stored already is not seen a second time. */
  again?: boolean
  /** It comes from where it is made, as it is made: its reports are as new as their arrival. */
  live?: boolean
  /** Where what cannot be read is said to stand; default: the path and the line. */
  deadLetterPlace?: string
  /** So many bytes of the input are committed. */
  onCommitted?: (bytes: number) => void
}

/** Resolves when everything is committed. Throws InputError (format unknown, cut, too large) and OverloadedError. */
export async function deliver(
  falconer: Falconer,
  input: AsyncIterable<Uint8Array>,
  { path, format, source, maxBytes, strict, again, live, deadLetterPlace, onCommitted }: DeliverOptions,
): Promise<Delivered> {
  const tally: Tally = { accepted: 0, duplicates: 0, internal: 0, deadLetters: 0 }
  const receivedNs = fromDate(falconer.clock.now())
  let entities = 0
  let firstDeadLetter: string | null = null
  const submit = async (batch: Batch): Promise<void> => {
    const delivery = emptyDelivery({
      sourceId: source.id,
      scope: source.scope,
      receivedNs,
      live: live === true,
      inventory: batch.inventory,
    })
    delivery.deadLetters = batch.deadLetters.map((dead) => ({ ...dead, at: deadLetterPlace ?? `${path}: ${dead.at}` }))
    for (const record of batch.records) addRecord(delivery, record)
    if (again === true) {
      const stored = await storedKeys(
        falconer.db,
        source.scope,
        delivery.alerts.map((alert) => alert.contentKey),
      )
      const fresh = delivery.alerts.filter((alert) => !stored.has(alert.contentKey))
      tally.duplicates += delivery.alerts.length - fresh.length
      delivery.alerts = fresh
    }
    entities += delivery.entities.length
    const [first] = batch.deadLetters
    if (first !== undefined) firstDeadLetter ??= `${first.at}: ${first.reason}`
    const committed = await falconer.intake.submit(delivery, batch.bytes)
    onCommitted?.(batch.bytes)
    for (const name of Object.keys(tally) as (keyof Tally)[]) tally[name] += committed[name]
  }
  const counts = await readInput(input, {
    path,
    format,
    maxBytes,
    strict,
    onBatch: submit,
    source: { sourceId: source.id, sourceName: source.name, scope: source.scope, receivedNs },
  })
  return { format: counts.format, read: counts.read, skipped: counts.skipped, scans: counts.scans, tally, entities, firstDeadLetter }
}

/** What could not be read as a whole, committed as the one dead letter it is. */
export async function deliverDeadLetter(
  falconer: Falconer,
  source: DeliverOptions['source'],
  dead: { at: string; reason: string; bytes: Uint8Array },
): Promise<void> {
  await falconer.intake.submit({ ...emptyDelivery({ sourceId: source.id, scope: source.scope }), deadLetters: [dead] }, dead.bytes.length)
}
