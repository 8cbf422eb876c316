/**
 * The accounts, identities and resources of a cloud as nodes of the graph, from whoever speaks of them: named by ARN, each always the same,
 * so that what an audit log and a scanner say of one meets. Pure.
 */
import { type CloudIdentity, identityOfArn, identityRef } from '../domain/cloud.ts'
import type { EntityRef, NewEntity } from '../domain/entity.ts'
import type { NewFinding } from '../domain/finding.ts'
import type { NewRecord } from '../domain/record.ts'

/** A user, role or guest, and the account it is of. */
export function* identityRecords(identity: CloudIdentity, observedNs: bigint): Iterable<NewRecord> {
  const { name, account, identityKind } = identity
  const ref = identityRef(identity)
  yield entity(ref, name, { account, identityKind }, observedNs)
  yield contains(account, ref, observedNs)
}

/** What an ARN names. Not every ARN says whose it is: `account` is who else says so, null when nobody does. */
export function* arnRecords(arn: string, account: string | null, observedNs: bigint): Iterable<NewRecord> {
  const identity = identityOfArn(arn)
  if (identity !== undefined) return yield* identityRecords(identity, observedNs)
  const [, partition = '', service = '', region = '', own = '', ...rest] = arn.split(':')
  if (!partition.startsWith('aws') || rest.length === 0) return
  const ref: EntityRef = { scope: 'global', kind: 'cloud_resource', key: arn }
  yield entity(ref, nameOfArn(arn), { account: own || null, region: region || null, service }, observedNs)
  if (own || account) yield contains(own || (account as string), ref, observedNs)
}

/** What a finding about an account is about, and that the account contains it. */
export function* placeOfFinding({ resource, scan: { target, observedNs } }: NewFinding): Iterable<NewRecord> {
  if (target.kind !== 'cloud_account' || (resource.kind !== 'cloud_resource' && resource.kind !== 'identity')) return
  const account: EntityRef = { scope: target.scope, kind: 'cloud_account', key: target.key }
  yield entity(account, target.name, { provider: target.key.split('/', 1)[0] }, observedNs)
  if (/^arn:aws[\w-]*:/.test(resource.key)) return yield* arnRecords(resource.key, target.key.replace(/^aws\//, ''), observedNs)
  const to: EntityRef = { scope: resource.scope, kind: resource.kind, key: resource.key }
  yield entity(to, resource.name, { account: target.key }, observedNs)
  yield { kind: 'relation', relation: { from: account, type: 'CONTAINS', to, observedNs } }
}

/** The end of an ARN: what people call it. */
export const nameOfArn = (arn: string): string => arn.split(/[:/]/).at(-1) || arn

const entity = (ref: EntityRef, name: string, properties: NewEntity['properties'], observedNs: bigint): NewRecord => ({
  kind: 'entity',
  entity: { ...ref, name, namespace: null, properties, observedNs, validFromNs: observedNs, deletedNs: null },
})

const contains = (account: string, to: EntityRef, observedNs: bigint): NewRecord => ({
  kind: 'relation',
  relation: { from: { scope: 'global', kind: 'cloud_account', key: `aws/${account}` }, type: 'CONTAINS', to, observedNs },
})
