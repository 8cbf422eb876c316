/** What is known of one place: how it is exposed and what it may do, each fact with the fields that show it. */
import type { Entity } from '../domain/entity.ts'
import { InputError } from '../domain/errors.ts'
import type { Queryable } from '../store/database.ts'
import { type Fact, factsOf } from './facts.ts'
import { readPlaces } from './read-world.ts'

/** `place`: the top of the pod's owner chain. Throws InputError for what is no place. */
export async function placeFacts(db: Queryable, entity: Entity): Promise<{ place: Entity; facts: Fact[] }> {
  if ((entity.kind !== 'pod' && entity.kind !== 'workload') || entity.namespace === null)
    throw new InputError(`Facts are told of pods and of what owns them, and this is a ${entity.kind.replaceAll('_', ' ')}.`)
  const world = await readPlaces(db, entity.scope, entity.namespace)
  const place = world.places.find((one) => one.entity.id === entity.id || one.pods.some((pod) => pod.entity.id === entity.id))
  if (place === undefined) throw new InputError('It is gone, or others own it: ask for its owner, or for what is there now.')
  return { place: place.entity, facts: factsOf(world, place) }
}
