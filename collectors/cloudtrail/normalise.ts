/** From one CloudTrail event to one activity, an alert beside it for each detection that matches, and whose identities it tells of. Pure. */
import { createHash } from 'node:crypto'
import type { NewActivity } from '../../domain/activity.ts'
import { documentKey } from '../../domain/document-key.ts'
import { InputError } from '../../domain/errors.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import type { NewRecord, Piece, SourceContext } from '../collector.ts'
import { alertOf } from '../detections.ts'
import { cut } from '../words.ts'
import { trailDetections } from './detections.ts'
import type { TrailEvent } from './event.ts'
import { fieldsOf } from './fields.ts'
import { identitiesOf } from './identities.ts'
import { keepEvent, unpackParts } from './kept.ts'

export function* normaliseTrail(raw: TrailEvent, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const whole = unpackParts(raw)
  const { event, dropped } = keepEvent(whole)
  const activity: NewActivity = {
    scope: source.scope,
    contentKey: keyOf(event, piece, source.scope),
    producer: 'cloudtrail',
    eventNs: timeOf(event),
    service: event.eventSource,
    operation: event.eventName,
    ...outcomeOf(event),
    actor: actorOf(event.userIdentity),
    source: sourceOf(event),
    resources: resourcesOf(event),
    properties: propertiesOf(event),
    raw: dropped ? Buffer.from(stringifyExact(event)) : piece.bytes,
  }
  yield { kind: 'activity', activity }
  const detections = trailDetections.matching(whole)
  for (const detection of detections)
    yield {
      kind: 'alert',
      alert: alertOf(detection, activity, {
        sensor: 'cloudtrail',
        sensorSource: 'aws_cloudtrail',
        key: activity.contentKey,
        did: didOf(activity),
        pod: null,
        fields: fieldsOf(event),
        document: event,
      }),
    }
  yield* identitiesOf(event, activity, detections.length > 0)
}

function didOf({ actor, service, operation, outcome, resources, source, properties }: NewActivity): string {
  const from = source.ip ?? source.service
  const place = [properties.account, properties.region].filter((one) => typeof one === 'string').join(' ')
  return `${actor.name} ${outcome === 'failure' ? 'tried and failed at' : 'called'} ${service.split('.')[0]}:${operation}${resources[0] === undefined ? '' : ` on ${resources[0]}`}${place === '' ? '' : ` in ${place}`}${from === null ? '' : ` from ${from}`}`
}

const digest = (...parts: string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex')

function keyOf(event: TrailEvent, piece: Piece, scope: string): string {
  if (typeof event.eventID === 'string' && event.eventID !== '') return digest(scope, event.eventID)
  return documentKey(piece.document?.text ?? new TextDecoder().decode(piece.bytes), scope)
}

const maxNs = 9_223_372_036_854_775_807n
function timeOf(event: TrailEvent): bigint {
  for (const written of [event.eventTime, event['@timestamp']]) {
    const parsed = typeof written === 'string' ? parseEventTime(written) : undefined
    if (parsed !== undefined && parsed > 0n && parsed <= maxNs) return parsed
  }
  throw new InputError('it has no time that can be read: expected "eventTime" in RFC 3339')
}

function outcomeOf({ errorCode, errorMessage, eventName, responseElements }: TrailEvent): Pick<NewActivity, 'outcome' | 'error'> {
  const code = errorCode ?? (errorMessage == null || errorMessage === '' ? null : 'Failed')
  if (code !== null && code !== '') return { outcome: 'failure', error: cut(errorMessage == null ? code : `${code}: ${errorMessage}`, 500) }
  const answered = eventName === 'ConsoleLogin' && isObject(responseElements) ? responseElements.ConsoleLogin : 'Success'
  return answered === 'Failure' ? { outcome: 'failure', error: 'ConsoleLogin failed' } : { outcome: 'success', error: null }
}

const kinds: Readonly<Record<string, NewActivity['actor']['kind']>> = {
  Root: 'root',
  IAMUser: 'user',
  FederatedUser: 'user',
  IdentityCenterUser: 'user',
  SAMLUser: 'user',
  WebIdentityUser: 'user',
  Directory: 'user',
  AssumedRole: 'role',
  Role: 'role',
  AWSService: 'service',
}

function actorOf(user: TrailEvent['userIdentity']): NewActivity['actor'] {
  const issuer = user?.sessionContext?.sessionIssuer
  const id = firstOf(user?.arn, user?.principalId, user?.invokedBy, user?.accountId) ?? 'unknown'
  const name = firstOf(user?.userName, issuer?.userName, user?.invokedBy) ?? id
  return {
    id: cut(id, 500),
    name: cut(name, 500),
    // A pod that signs in to the cloud with its service account’s token.
    kind: name.startsWith('system:serviceaccount:')
      ? 'service_account'
      : (kinds[user?.type ?? ''] ?? (user?.invokedBy ? 'service' : 'unknown')),
    session: firstOf(user?.accessKeyId),
  }
}

/** What stands for the address may be the name of a service of the provider’s. */
function sourceOf({ sourceIPAddress, userAgent }: TrailEvent): NewActivity['source'] {
  const from = firstOf(sourceIPAddress)
  const isAddress = from !== null && /^[\da-f.:]+$/i.test(from) && /[.:]/.test(from)
  return {
    ip: isAddress ? from : null,
    service: isAddress || from === null ? null : cut(from, 300),
    userAgent: userAgent == null ? null : cut(userAgent, 500),
  }
}

const firstOf = (...values: (string | null | undefined)[]): string | null =>
  values.find((value): value is string => typeof value === 'string' && value !== '') ?? null

/** ARNs that the event lists, and those among its parameters. */
function resourcesOf({ resources, requestParameters, responseElements }: TrailEvent): string[] {
  const found = new Set((resources ?? []).flatMap(({ ARN }) => (ARN == null || ARN === '' ? [] : [cut(ARN, 500)])))
  for (const value of [requestParameters, responseElements])
    if (isObject(value))
      for (const inner of Object.values(value)) if (typeof inner === 'string' && /^arn:aws[\w-]*:/.test(inner)) found.add(cut(inner, 500))
  return [...found].slice(0, 20)
}

function propertiesOf(event: TrailEvent): Record<string, unknown> {
  const { userIdentity: user } = event
  const properties = {
    eventID: event.eventID,
    account: firstOf(event.recipientAccountId, user?.accountId),
    callerAccount: user?.accountId,
    region: event.awsRegion,
    identityType: user?.type,
    role: user?.sessionContext?.sessionIssuer?.arn,
    readOnly: event.readOnly,
    eventType: event.eventType,
    request: notEmpty(event.requestParameters),
    response: notEmpty(event.responseElements),
    additional: notEmpty(event.additionalEventData),
  }
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined && value !== null && value !== ''))
}

const isObject = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object' && !Array.isArray(value)
const notEmpty = (value: unknown): unknown => (isObject(value) && Object.keys(value).length === 0 ? undefined : value)
