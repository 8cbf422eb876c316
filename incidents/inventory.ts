/** Inventory through the store, remembering answers for the length of one batch. */
import type { Queryable } from '../store/database.ts'
import { containersByPrefix, findEntity, ownersOf, podsByName } from '../store/entities.ts'
import type { Inventory } from './context.ts'

export function cachedInventory(tx: Queryable): Inventory {
  const remembered = new Map<string, Promise<unknown>>()
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const known = remembered.get(key) as Promise<T> | undefined
    if (known !== undefined) return known
    const answer = ask()
    remembered.set(key, answer)
    return answer
  }
  const minute = (ns: bigint): bigint => ns / 60_000_000_000n
  return {
    containersByPrefix: (scope, prefix, at) =>
      once(`c\n${scope}\n${prefix}\n${minute(at)}`, () => containersByPrefix(tx, scope, prefix, at)),
    podsByName: (scope, namespace, name, at) =>
      once(`n\n${scope}\n${namespace}\n${name}\n${minute(at)}`, () => podsByName(tx, scope, namespace, name, at)),
    podByUid: (scope, key) => once(`p\n${scope}\n${key}`, () => findEntity(tx, { scope, kind: 'pod', key })),
    nodeByName: (scope, key) => once(`h\n${scope}\n${key}`, () => findEntity(tx, { scope, kind: 'node', key })),
    ownersOf: (entity) => once(`o\n${entity.id}`, () => ownersOf(tx, entity.id)),
  }
}
