/** From one audit event to one activity, and an alert beside it for each detection that matches. Pure. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { NewActivity } from '../../domain/activity.ts'
import type { NewAlert } from '../../domain/alert.ts'
import { InputError } from '../../domain/errors.ts'
import { parseEventTime } from '../../domain/event-time.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import type { NewRecord, Piece, SourceContext } from '../collector.ts'
import { alertOf } from '../detections.ts'
import { cut } from '../words.ts'
import { kubernetesResource } from '../resources.ts'
import { auditDetections } from './detections.ts'
import type { AuditEvent } from './event.ts'
import { fieldsOf } from './fields.ts'
import { commandOf, keepEvent } from './kept.ts'

export function* normaliseAudit(raw: AuditEvent, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const { event, dropped } = keepEvent(raw)
  const bytes = dropped ? Buffer.from(stringifyExact(event)) : piece.bytes
  const activity = activityOf(event, source.scope, bytes)
  yield { kind: 'activity', activity }
  // Of a request that was only received nobody knows yet how it ended.
  if (event.stage === 'RequestReceived') return
  for (const detection of auditDetections.matching(raw))
    yield {
      kind: 'alert',
      alert: alertOf(detection, activity, {
        sensor: 'kubernetes-audit',
        sensorSource: 'k8s_audit',
        key: keyOf(source.scope, event.auditID),
        did: didOf(event, activity),
        pod: podOf(event),
        fields: fieldsOf(event),
        document: event,
      }),
    }
}

const keyOf = (...parts: string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex')

function activityOf(event: AuditEvent, scope: string, raw: Uint8Array): NewActivity {
  const { user, objectRef, auditID, verb, stage } = event
  if (typeof verb !== 'string') throw new InputError('not a Kubernetes audit event: it has no "verb"')
  const path = (event.requestURI ?? '').split('?')[0] ?? ''
  const id = textOr(user?.username, 'unknown')
  return {
    scope,
    contentKey: keyOf(scope, auditID, stage ?? ''),
    producer: 'kubernetes-audit',
    eventNs: timeOf(event),
    service: textOr(objectRef?.apiGroup, 'core'),
    operation: cut(`${verb} ${resourceOf(objectRef) ?? path}`, 300),
    ...outcomeOf(event),
    actor: { id: cut(id, 500), name: cut(id, 500), kind: kindOf(id), session: sessionOf(user) },
    source: { ip: event.sourceIPs?.[0] ?? null, service: null, userAgent: event.userAgent == null ? null : cut(event.userAgent, 500) },
    resources: nameOf(objectRef, scope),
    properties: propertiesOf(event),
    raw,
  }
}

/** When it was asked for: the same in every stage of a request. */
function timeOf(event: AuditEvent): bigint {
  for (const written of [event.requestReceivedTimestamp, event.stageTimestamp, event.timestamp]) {
    const parsed = typeof written === 'string' ? parseEventTime(written) : undefined
    if (parsed !== undefined && parsed > 0n && parsed <= maxNs) return parsed
  }
  throw new InputError('it has no time that can be read: expected "requestReceivedTimestamp" or "stageTimestamp" in RFC 3339')
}
const maxNs = 9_223_372_036_854_775_807n

function outcomeOf({ stage, responseStatus }: AuditEvent): Pick<NewActivity, 'outcome' | 'error'> {
  const code = responseStatus?.code
  if (stage === 'Panic') return { outcome: 'failure', error: 'the API server panicked' }
  if (typeof code !== 'number') return { outcome: 'unknown', error: null }
  if (code < 400) return { outcome: 'success', error: null }
  return { outcome: 'failure', error: cut([code, responseStatus?.reason, responseStatus?.message].filter((one) => one).join(' '), 500) }
}

const textOr = (value: string | null | undefined, other: string): string => (typeof value === 'string' && value !== '' ? value : other)

function kindOf(username: string): NewActivity['actor']['kind'] {
  if (username === 'unknown') return 'unknown'
  if (username === 'system:anonymous') return 'anonymous'
  if (username.startsWith('system:serviceaccount:')) return 'service_account'
  return username.startsWith('system:') ? 'service' : 'user'
}

const sessionOf = (user: AuditEvent['user']): string | null =>
  user?.extra?.['authentication.kubernetes.io/credential-id']?.[0] ?? user?.extra?.accessKeyId?.[0] ?? null

const resourceOf = (objectRef: AuditEvent['objectRef']): string | null =>
  typeof objectRef?.resource !== 'string'
    ? null
    : typeof objectRef.subresource === 'string' && objectRef.subresource !== ''
      ? `${objectRef.resource}/${objectRef.subresource}`
      : objectRef.resource

const pluralOf = (kind: string): string =>
  kind.endsWith('ss') ? `${kind}es` : kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : kind.endsWith('s') ? kind : `${kind}s`
const kinds: ReadonlyMap<string, string> = new Map(
  `Pod Deployment ReplicaSet StatefulSet DaemonSet Job CronJob ReplicationController ServiceAccount Role ClusterRole RoleBinding
  ClusterRoleBinding Service Secret ConfigMap Node Namespace Ingress NetworkPolicy PersistentVolume PersistentVolumeClaim Event Endpoints
  CertificateSigningRequest MutatingWebhookConfiguration ValidatingWebhookConfiguration CustomResourceDefinition StorageClass Lease`
    .split(/\s+/)
    .map((kind) => [pluralOf(kind.toLowerCase()), kind]),
)

function nameOf(objectRef: AuditEvent['objectRef'], scope: string): string[] {
  const { resource, name, namespace } = objectRef ?? {}
  if (!resource || !name) return []
  return [cut(kubernetesResource({ kind: kinds.get(resource) ?? resource, namespace: namespace ?? null, name }, scope).key, 500)]
}

function propertiesOf(event: AuditEvent): Record<string, unknown> {
  const { annotations, user } = event
  const properties = {
    auditID: event.auditID,
    stage: event.stage,
    level: event.level,
    verb: event.verb,
    namespace: event.objectRef?.namespace,
    code: event.responseStatus?.code,
    decision: annotations?.['authorization.k8s.io/decision'],
    reason: annotations?.['authorization.k8s.io/reason'],
    groups: user?.groups?.slice(0, 20),
    impersonated: event.impersonatedUser?.username,
    command: commandOf(event.requestURI),
    actingPod: actingPod(event)?.name,
    cloudIdentity: user?.extra?.arn?.[0],
    request: event.requestObject,
  }
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined && value !== null))
}

/** The pod whose token was used: service account tokens that are bound to a pod say so. */
function actingPod({ user }: AuditEvent): NewAlert['pod'] {
  const name = user?.extra?.['authentication.kubernetes.io/pod-name']?.[0]
  const namespace = /^system:serviceaccount:([^:]+):/.exec(user?.username ?? '')?.[1]
  if (name === undefined || namespace === undefined) return null
  return { namespace, name, uid: user?.extra?.['authentication.kubernetes.io/pod-uid']?.[0] ?? null }
}

/** The pod that the request is about; else the one it came from. */
function podOf(event: AuditEvent): NewAlert['pod'] {
  const { resource, namespace, name, uid } = event.objectRef ?? {}
  if (resource !== 'pods' || !namespace) return actingPod(event)
  if (name) return { namespace, name, uid: uid ?? null }
  // Of a pod that is created by a name’s beginning only the answer has the name.
  const made = MadePod.safeParse(event.responseObject)
  return made.success ? { namespace, ...made.data.metadata } : actingPod(event)
}
const MadePod = z.object({ kind: z.literal('Pod'), metadata: z.object({ name: z.string(), uid: z.string().nullable().default(null) }) })

function didOf(event: AuditEvent, { actor, operation, outcome, resources, source }: NewActivity): string {
  const what = resources[0] ?? (event.objectRef?.namespace ? `namespace ${event.objectRef.namespace}` : null)
  const as = event.impersonatedUser?.username ? ` as ${event.impersonatedUser.username}` : ''
  return `${actor.name}${as} ${outcome === 'failure' ? 'was refused' : 'did'} “${operation}”${what === null ? '' : ` on ${what}`}${source.ip === null ? '' : ` from ${source.ip}`}`
}
