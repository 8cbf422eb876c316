/**
 * Audit events mapped to OCSF (API activity, class 6003), as Amazon Security Lake keeps those of EKS: translated back into the event
 * they were made from. Other mappings of the same class (CloudTrail’s) are none of ours.
 */
import { parseExact } from '../../domain/exact-json.ts'
import { objectOfPath } from './event.ts'

type Json = Record<string, unknown>
const at = (value: unknown, ...names: string[]): unknown =>
  names.reduce<unknown>((inner, name) => (inner !== null && typeof inner === 'object' ? (inner as Json)[name] : undefined), value)
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

export const isOcsf = (document: Json): boolean =>
  'class_uid' in document && /EKS|Kubernetes/.test(text(at(document, 'metadata', 'product', 'name')) ?? '')

export function fromOcsf(document: Json): Json {
  const uri = text(at(document, 'http_request', 'url', 'path')) ?? ''
  const [resource] = Array.isArray(document.resources) ? (document.resources as unknown[]) : []
  const groups = at(document, 'actor', 'user', 'groups')
  const session = at(document, 'actor', 'session')
  return {
    kind: 'Event',
    apiVersion: at(document, 'metadata', 'product', 'version'),
    level: at(document, 'metadata', 'log_level'),
    auditID: at(document, 'api', 'request', 'uid'),
    stage: document.message,
    requestURI: uri,
    verb: at(document, 'api', 'operation'),
    user: {
      username: at(document, 'actor', 'user', 'name'),
      uid: at(document, 'actor', 'user', 'uid'),
      groups: Array.isArray(groups) ? groups.map((group: unknown) => text(at(group, 'name')) ?? '') : undefined,
      extra: {
        accessKeyId: listOf(at(session, 'credential_uid')),
        sessionName: listOf(at(session, 'uid')),
        canonicalArn: listOf(at(session, 'issuer')),
        arn: listOf(at(document, 'cloud', 'account', 'uid')),
      },
    },
    sourceIPs: listOf(at(document, 'src_endpoint', 'ip')),
    userAgent: at(document, 'http_request', 'user_agent'),
    objectRef: objectRefOf(document, resource, uri),
    responseStatus: {
      code: at(document, 'api', 'response', 'code'),
      message: at(document, 'api', 'response', 'message'),
      reason: at(document, 'api', 'response', 'error'),
    },
    requestObject: packed(at(document, 'api', 'request', 'data')),
    responseObject: packed(at(document, 'api', 'response', 'data')),
    requestReceivedTimestamp: timeOf(document.start_time_dt, document.start_time),
    stageTimestamp: timeOf(document.time_dt, document.time),
  }
}

function objectRefOf(document: Json, resource: unknown, uri: string): Json | undefined {
  const named = objectOfPath(uri)
  if (named === null && resource === undefined) return undefined
  return {
    ...named,
    resource: named?.resource ?? text(at(resource, 'type')),
    namespace: text(at(resource, 'namespace')) ?? named?.namespace,
    name: text(at(resource, 'name')) ?? named?.name,
    uid: text(at(resource, 'uid')),
    apiGroup: text(at(document, 'api', 'group', 'name')) ?? named?.apiGroup,
  }
}

const listOf = (value: unknown): string[] | null => (text(value) === undefined ? null : [text(value) as string])

/** Objects stand in OCSF as JSON in a string. */
function packed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return parseExact(value)
  } catch {
    // Cut off on its way here: the event is told without it.
    return undefined
  }
}

/** Milliseconds by the schema; some write microseconds. */
function timeOf(written: unknown, number: unknown): unknown {
  if (typeof written === 'string') return written
  if (typeof number !== 'number' || !Number.isFinite(number)) return number
  const time = new Date(number > 1e14 ? number / 1_000 : number)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}
