/**
 * Inventory through the store, remembering answers for the length of one batch. What existed when is decided per alert,
 * so that an answer never depends on which other alerts share its batch.
 */
import { type Entity, existedAt } from '../domain/entity.ts'
import type { Queryable } from '../store/database.ts'
import { containersByPrefix, findEntity, ownersOf, podsByName } from '../store/entities.ts'
import type { Inventory } from './context.ts'

/** More candidates than this over the batch's time (a name used again and again) are asked for one by one. */
const remembered = 100

export function cachedInventory(tx: Queryable, fromNs: bigint, untilNs: bigint): Inventory {
  const answers = new Map<string, Promise<unknown>>()
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const known = answers.get(key) as Promise<T> | undefined
    if (known !== undefined) return known
    const answer = ask()
    answers.set(key, answer)
    return answer
  }
  type Ask = (fromNs: bigint, untilNs: bigint, limit: number) => Promise<Entity[]>
  const during = async (key: string, atNs: bigint, ask: Ask): Promise<Entity[]> => {
    const candidates = await once(key, () => ask(fromNs, untilNs, remembered))
    return candidates.length < remembered ? candidates.filter((entity) => existedAt(entity, atNs)) : ask(atNs, atNs, 3)
  }
  return {
    containersByPrefix: (scope, prefix, atNs) =>
      during(`c\n${scope}\n${prefix}`, atNs, (from, until, limit) => containersByPrefix(tx, scope, prefix, from, until, limit)),
    podsByName: (scope, namespace, name, atNs) =>
      during(`n\n${scope}\n${namespace}\n${name}`, atNs, (from, until, limit) =>
        podsByName(tx, scope, namespace, name, from, until, limit),
      ),
    podByUid: (scope, key) => once(`p\n${scope}\n${key}`, () => findEntity(tx, { scope, kind: 'pod', key })),
    nodeByName: (scope, key) => once(`h\n${scope}\n${key}`, () => findEntity(tx, { scope, kind: 'node', key })),
    ownersOf: (entity) => once(`o\n${entity.id}`, () => ownersOf(tx, entity.id)),
  }
}
