/**
 * Objects of a scanner’s operator, from the cluster to committed records: each read as it is now and normalised by its collector; many are
 * stored together, each with the version it was read in. One that cannot be stored keeps no other from being stored.
 */
import type { KubeConfig } from '@kubernetes/client-node'
import { type CustomResource, type ObjectVersion, readObject } from '../../clusters/custom-resources.ts'
import { readInput } from '../../collectors/read.ts'
import { InputError } from '../../domain/errors.ts'
import { fromDate } from '../../domain/event-time.ts'
import { addRecord, type Delivery, emptyDelivery } from '../../store/delivery.ts'
import type { Source } from '../../store/sources.ts'
import type { Falconer } from './falconer.ts'

export type PullFrom = {
  kubeConfig: KubeConfig
  served: CustomResource
  /** `vulnerabilityreports.aquasecurity.github.io` */ resource: string
  source: Source
  /** The collector that reads such an object. */ format: string
}

/** What one object says, with the version it says it in. */
export type PulledDelivery = { delivery: Delivery; bytes: number; place: string }

/** Null: the object is no longer there. */
export async function pullObject(falconer: Falconer, from: PullFrom, listed: ObjectVersion): Promise<PulledDelivery | null> {
  const read = await readObject(from.kubeConfig, from.served, listed)
  // Another of the same name is another object: the next list has it.
  if (read === null || read.object.uid !== listed.uid) return null
  const { uid, version, namespace, name } = read.object
  const { scope } = from.source
  const place = `${from.resource.split('.')[0]} ${namespace ?? '-'}/${name}`
  const delivery = await deliveryOf(falconer, from, read.text, place)
  const scanKey = delivery.scans[0]?.scan.contentKey ?? null
  delivery.pulled = [{ scope, resource: from.resource, uid, version, place, scanKey }]
  return { delivery, bytes: read.text.length, place }
}

/** Resolves when all are committed, with what went wrong for which. */
export async function commitPulled(falconer: Falconer, pulled: readonly PulledDelivery[]): Promise<{ place: string; error: unknown }[]> {
  const [first, ...rest] = pulled
  if (first === undefined) return []
  const together = { ...first.delivery }
  for (const name of Object.keys(together) as (keyof Delivery)[])
    if (Array.isArray(together[name])) Object.assign(together, { [name]: pulled.flatMap(({ delivery }) => delivery[name] as unknown[]) })
  try {
    await falconer.intake.submit(
      together,
      pulled.reduce((sum, { bytes }) => sum + bytes, 0),
    )
    return []
  } catch (error) {
    if (rest.length === 0) return [{ place: first.place, error }]
    const failed: { place: string; error: unknown }[] = []
    for (const one of pulled) failed.push(...(await commitPulled(falconer, [one])))
    return failed
  }
}

/** What cannot be read at all is a dead letter, and known as read: it is not tried again until it changes. */
async function deliveryOf(falconer: Falconer, { source, format }: PullFrom, text: string, place: string): Promise<Delivery> {
  const receivedNs = fromDate(falconer.clock.now())
  const delivery = emptyDelivery({ sourceId: source.id, scope: source.scope, receivedNs, live: true })
  const dead = (at: string, reason: string, bytes: Uint8Array): void =>
    void delivery.deadLetters.push({ at: `${place}: ${at}`, reason, bytes })
  try {
    await readInput(bytesOf(text), {
      path: place,
      format,
      source: { sourceId: source.id, sourceName: source.name, scope: source.scope, receivedNs },
      onBatch: async ({ records, deadLetters }) => {
        for (const record of records) addRecord(delivery, record)
        for (const { at, reason, bytes } of deadLetters) dead(at, reason, bytes)
      },
    })
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    dead('object', error.message, Buffer.from('[not kept]'))
  }
  return delivery
}

async function* bytesOf(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text)
}
