/**
 * Inventory through the store, for the length of one batch: what is asked at the same time is one statement, and asked once.
 * What existed when is decided per alert, so that an answer never depends on which other alerts share its batch.
 */
import DataLoader from 'dataloader'
import type { CloudSession } from '../domain/cloud.ts'
import { type Entity, existedAt } from '../domain/entity.ts'
import { cloudSessions } from '../store/cloud-sessions.ts'
import type { Queryable } from '../store/database.ts'
import { containersByPrefix, findEntities, identitiesByKey, ownersOf, podsByName, type Stretch } from '../store/entities.ts'
import {
  accountsByRole,
  byAddress,
  type Escape,
  escapesOf,
  nodesByInstance,
  podsByAccount,
  podsBySelector,
  podsOnNode,
} from '../store/known-by.ts'
import { type Inventory, mostAsked } from './context.ts'

/** More candidates than this over the batch's time (a name used again and again) are asked for one by one. */
const remembered = 100

export function batchedInventory(tx: Queryable, batch: Stretch): Inventory {
  const byKey = <Question, Answer>(ask: (questions: readonly Question[]) => Promise<Answer[]>): DataLoader<Question, Answer, string> =>
    new DataLoader(ask, { cacheKeyFn: (question) => JSON.stringify(question) })
  const timeValid = <Question>(
    ask: (questions: readonly Question[], during: Stretch, limit?: number) => Promise<Entity[][]>,
    most = remembered,
  ): ((question: Question, atNs: bigint) => Promise<Entity[]>) => {
    const candidates = byKey<Question, Entity[]>((questions) => ask(questions, batch, most))
    return async (question, atNs) => {
      const found = await candidates.load(question)
      if (found.length < most) return found.filter((entity) => existedAt(entity, atNs))
      return (await ask([question], { fromNs: atNs, untilNs: atNs }))[0] ?? []
    }
  }
  const containers = timeValid<{ scope: string; prefix: string }>((...asked) => containersByPrefix(tx, ...asked))
  const pods = timeValid<{ scope: string; namespace: string; name: string }>((...asked) => podsByName(tx, ...asked))
  const records = byKey<{ scope: string; kind: 'pod' | 'node'; key: string }, Entity | undefined>((refs) => findEntities(tx, refs))
  const identities = new DataLoader<string, Entity | undefined>((keys) => identitiesByKey(tx, keys))
  const sessions = byKey<{ scope: string; contentKey: string }, CloudSession | undefined>((asked) => cloudSessions(tx, asked))
  const many = <Question>(
    ask: (tx: Queryable, questions: readonly Question[], during: Stretch, limit: number) => Promise<Entity[][]>,
  ): ((question: Question, atNs: bigint) => Promise<Entity[]>) =>
    timeValid<Question>((questions, during, limit = mostAsked) => ask(tx, questions, during, limit), mostAsked)
  const addresses = many(byAddress)
  const accounts = many(podsByAccount)
  const selected = many(podsBySelector)
  const roles = many(accountsByRole)
  const instances = many(nodesByInstance)
  const onNode = many(podsOnNode)
  const escapes = new DataLoader<bigint, Escape[]>((places) => escapesOf(tx, places))
  const owners = new DataLoader<bigint, Entity[]>((ids) => ownersOf(tx, ids))
  return {
    containersByPrefix: (scope, prefix, atNs) => containers({ scope, prefix }, atNs),
    podsByName: (scope, namespace, name, atNs) => pods({ scope, namespace, name }, atNs),
    podByUid: (scope, key) => records.load({ scope, kind: 'pod', key }),
    nodeByName: (scope, key) => records.load({ scope, kind: 'node', key }),
    identityByKey: (key) => identities.load(key),
    cloudSession: (scope, contentKey) => sessions.load({ scope, contentKey }),
    ownersOf: (entity) => owners.load(entity.id),
    byAddress: (scope, ip, atNs) => addresses({ scope, ip }, atNs),
    podsByAccount: (scope, namespace, name, atNs) => accounts({ scope, namespace, name }, atNs),
    podsBySelector: (scope, namespace, selector, atNs) => selected({ scope, namespace, selector }, atNs),
    accountsByRole: (account, role, atNs) => roles({ account, role }, atNs),
    nodesByInstance: (instance, atNs) => instances({ instance }, atNs),
    podsOnNode: (node, atNs) => onNode({ node: node.id.toString() }, atNs),
    escapesOf: async (place, atNs) =>
      (await escapes.load(place.id))
        .filter(({ fromNs, untilNs }) => fromNs <= atNs && (untilNs === null || untilNs >= atNs))
        .map(({ because }) => because),
  }
}

/** Asked all at once, so that the store is asked together. All are waited for, also when one fails: none may ask when the transaction is over. */
export async function allAsked<Answer>(asking: readonly Promise<Answer>[]): Promise<Answer[]> {
  return (await Promise.allSettled(asking)).map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  })
}
