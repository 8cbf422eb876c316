/** Nodes of the graph by what a person types: a row number, a kind and a name, an ARN, an image’s digest or reference, a UID. */
import { type RawBuilder, sql } from 'kysely'
import { type Entity, type EntityKind, entityKinds } from '../domain/entity.ts'
import { isRowNumber } from '../domain/ids.ts'
import type { Queryable } from './database.ts'
import { entitiesInOrder } from './entities.ts'
import { escapeText } from './values.ts'

/** What kubectl and people call kinds of ours; workloads by their own kind besides. */
const spoken: Readonly<Record<string, EntityKind>> = {
  deployment: 'workload',
  deploy: 'workload',
  statefulset: 'workload',
  daemonset: 'workload',
  replicaset: 'workload',
  job: 'workload',
  cronjob: 'workload',
  po: 'pod',
  no: 'node',
  ns: 'namespace',
  svc: 'service',
  sa: 'service_account',
  serviceaccount: 'service_account',
  ing: 'ingress',
  clusterrole: 'role',
  rolebinding: 'role_binding',
  clusterrolebinding: 'role_binding',
  networkpolicy: 'network_policy',
  account: 'cloud_account',
  user: 'identity',
}
const kindOf = (word: string): EntityKind | undefined => {
  const plain = word.toLowerCase().replaceAll('-', '_')
  return entityKinds.find((kind) => kind === plain) ?? (Object.hasOwn(spoken, plain) ? spoken[plain] : undefined)
}
const kubernetesKinds = ['deployment', 'statefulset', 'daemonset', 'replicaset', 'job', 'cronjob']

/** Those the text names, what is there now and what inventory wrote first. `scope`: only there, and what belongs to no cluster. */
export async function nodesNamed(
  db: Queryable,
  text: string,
  { scope, limit }: { scope?: string | undefined; limit: number },
): Promise<Entity[]> {
  const within = scope === undefined ? sql`true` : sql`scope in (${escapeText(scope)}, 'global')`
  const find = (condition: RawBuilder<unknown>): Promise<Entity[]> => entitiesInOrder(db, sql`${condition} and ${within}`, limit)
  if (isRowNumber(text)) return find(sql`id = ${BigInt(text)}`)
  if (text.toLowerCase() === 'internet') return find(sql`kind = 'internet'`)
  const exact = await find(sql`kind = any(${[...entityKinds]}::text[]) and key = ${escapeText(text)}`)
  if (exact.length > 0) return exact
  const [first = '', ...rest] = text.split('/')
  const kind = rest.length === 0 ? undefined : kindOf(first)
  const names = kind === undefined ? [first, ...rest] : rest
  const ofKind = kind === undefined ? sql`kind = any(${[...entityKinds]}::text[])` : sql`kind = ${kind}`
  const workload = kubernetesKinds.includes(first.toLowerCase())
    ? sql`lower(properties->>'workloadKind') = ${first.toLowerCase()}`
    : sql`true`
  // A name may hold slashes itself: an image’s reference, a user.
  const whole = await find(sql`${ofKind} and ${workload} and name = ${escapeText(names.join('/'))}`)
  if (whole.length > 0 || names.length < 2) return whole
  return find(
    sql`${ofKind} and ${workload} and namespace = ${escapeText(names[0] ?? '')} and name = ${escapeText(names.slice(1).join('/'))}`,
  )
}
