/**
 * Who acts in a record, who takes whose role in it, and what a detection was about, as nodes and edges of the graph. Roles and users are few
 * however many their records are; what else a record names is told only where a detection spoke. Pure.
 */
import type { NewActivity } from '../../domain/activity.ts'
import { accountRef, type CloudIdentity, identityOfArn, identityRef } from '../../domain/cloud.ts'
import type { EntityRef } from '../../domain/entity.ts'
import type { NewRecord } from '../../domain/record.ts'
import { arnRecords, identityRecords } from '../cloud-places.ts'
import { cut } from '../words.ts'
import type { TrailEvent } from './event.ts'

export function* identitiesOf(event: TrailEvent, activity: NewActivity, detected: boolean): Iterable<NewRecord> {
  const { eventNs, resources } = activity
  const actor = identityOf(event.userIdentity)
  if (actor !== undefined) yield* identityRecords(actor, eventNs)
  yield* assumptionOf(event, activity)
  if (detected) for (const arn of resources) yield* arnRecords(arn, ownerOf(arn, event), eventNs)
}

/** A session’s own ARN has no path; what it was issued for has. */
function identityOf(user: TrailEvent['userIdentity']): ReturnType<typeof identityOfArn> {
  const issuer = user?.type === 'AssumedRole' ? user.sessionContext?.sessionIssuer?.arn : null
  return identityOfArn(issuer ?? '') ?? identityOfArn(user?.arn ?? '')
}

/** Credentials of another identity that were asked for and given; the record is the witness. */
function* assumptionOf(event: TrailEvent, { operation, outcome, contentKey, eventNs }: NewActivity): Iterable<NewRecord> {
  if (event.eventSource !== 'sts.amazonaws.com' || outcome !== 'success') return
  const given =
    operation === 'GetFederationToken' ? at(event.responseElements, 'federatedUser', 'arn') : at(event.requestParameters, 'roleArn')
  const taken = /^AssumeRole(?:WithSAML|WithWebIdentity)?$|^GetFederationToken$/.test(operation) ? identityOfArn(given ?? '') : undefined
  if (taken === undefined) return
  yield* identityRecords(taken, eventNs)
  const taker = takerOf(event, taken.account)
  if (taker === undefined) return
  yield* taker.records(eventNs)
  const properties = { activity: contentKey, operation }
  yield { kind: 'relation', relation: { from: taker.ref, type: 'ASSUMES', to: identityRef(taken), observedNs: eventNs, properties } }
}

type Taker = { ref: EntityRef; records: (observedNs: bigint) => Iterable<NewRecord> }
const identity = (one: CloudIdentity): Taker => ({ ref: identityRef(one), records: (at) => identityRecords(one, at) })

/** A user or role; whom another provider vouches for; an instance, for which EC2 takes its role; of another account only that account. */
function takerOf(event: TrailEvent, account: string): Taker | undefined {
  const { userIdentity: user, requestParameters: request, awsRegion } = event
  const actor = identityOf(user)
  if (actor !== undefined) return identity(actor)
  const session = at(request, 'roleSessionName') ?? ''
  switch (user?.type) {
    case 'WebIdentityUser':
    case 'SAMLUser': {
      const provider = at(request, 'principalArn') ?? text(user.identityProvider)
      const principal = text(user.principalId)
      const name = text(user.userName) ?? principal
      const key = principal?.startsWith('arn:') ? principal : provider === undefined ? undefined : `${provider}/${name}`
      if (key === undefined || name === undefined) return undefined
      const identityKind = user.type === 'SAMLUser' ? 'SAML identity' : 'web identity'
      return identity({ key: cut(key, 500), name: cut(name, 200), account, identityKind })
    }
    case 'AWSService': {
      if (user.invokedBy !== 'ec2.amazonaws.com' || !/^i-[0-9a-f]{8,17}$/.test(session) || awsRegion == null) return undefined
      const arn = `arn:aws:ec2:${awsRegion}:${account}:instance/${session}`
      return { ref: { scope: 'global', kind: 'cloud_resource', key: arn }, records: (observedNs) => arnRecords(arn, null, observedNs) }
    }
    default:
      return user?.accountId == null || !/^\d{12}$/.test(user.accountId)
        ? undefined
        : { ref: accountRef(user.accountId), records: () => [] }
  }
}

const ownerOf = (arn: string, { resources }: TrailEvent): string | null => resources?.find(({ ARN }) => ARN === arn)?.accountId ?? null

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const at = (value: unknown, ...names: string[]): string | undefined =>
  text(
    names.reduce<unknown>(
      (inner, name) => (inner !== null && typeof inner === 'object' ? (inner as Record<string, unknown>)[name] : undefined),
      value,
    ),
  )
