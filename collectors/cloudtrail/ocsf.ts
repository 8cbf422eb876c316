/**
 * CloudTrail’s events mapped to OCSF (API activity, account change, authentication, …), as Amazon Security Lake keeps them: translated
 * back into the event they were made from. What the mapping left over (`unmapped`, names with dots) finds its place again.
 */
import { parseExact } from '../../domain/exact-json.ts'

type Json = Record<string, unknown>
const at = (value: unknown, ...names: string[]): unknown =>
  names.reduce<unknown>((inner, name) => (inner !== null && typeof inner === 'object' ? (inner as Json)[name] : undefined), value)
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

export const isOcsf = (document: Json): boolean => 'class_uid' in document && at(document, 'metadata', 'product', 'name') === 'CloudTrail'

export function fromOcsf(document: Json): Json {
  const unmapped = placed(document.unmapped)
  const user = at(document, 'actor', 'user') ?? document.user
  const session = at(document, 'actor', 'session')
  // 1.0 has the ARN in `uuid` and the principal in `uid`, later versions in `uid` and `uid_alt`.
  const arn = [at(user, 'uid'), at(user, 'uuid')].find((one) => text(one)?.startsWith('arn:'))
  const principal = [at(user, 'uid_alt'), at(user, 'uid')].find((one) => text(one) !== undefined && one !== arn)
  const mfa = at(session, 'is_mfa') ?? at(session, 'mfa')
  return {
    ...unmapped,
    eventVersion: at(document, 'metadata', 'product', 'version'),
    eventID: at(document, 'metadata', 'uid'),
    eventTime: timeOf(document.time_dt, document.time),
    eventSource: at(document, 'api', 'service', 'name'),
    eventName: at(document, 'api', 'operation'),
    eventType: at(document, 'metadata', 'event_code') ?? unmapped.eventType,
    awsRegion: at(document, 'cloud', 'region'),
    sourceIPAddress: text(at(document, 'src_endpoint', 'ip')) ?? text(at(document, 'src_endpoint', 'domain')),
    userAgent: at(document, 'http_request', 'user_agent'),
    requestID: at(document, 'api', 'request', 'uid'),
    recipientAccountId: unmapped.recipientAccountId ?? text(at(document, 'cloud', 'account', 'uid')),
    errorCode: at(document, 'api', 'response', 'error'),
    errorMessage: at(document, 'api', 'response', 'error_message') ?? at(document, 'api', 'response', 'message'),
    userIdentity: {
      type: at(user, 'type'),
      arn,
      principalId: principal,
      userName: at(user, 'name'),
      accountId: at(user, 'account', 'uid') ?? at(user, 'account_uid'),
      accessKeyId: at(user, 'credential_uid'),
      invokedBy: at(document, 'actor', 'invoked_by'),
      sessionContext: {
        sessionIssuer: { ...(at(unmapped.userIdentity, 'sessionContext', 'sessionIssuer') as Json), arn: text(at(session, 'issuer')) },
        ...(typeof mfa === 'boolean' ? { attributes: { mfaAuthenticated: String(mfa) } } : {}),
      },
    },
    requestParameters: packed(at(document, 'api', 'request', 'data')) ?? unmapped.requestParameters ?? null,
    responseElements: packed(at(document, 'api', 'response', 'data')) ?? unmapped.responseElements ?? null,
    resources: resourcesOf(document.resources),
    ...signInOf(document, unmapped),
  }
}

/** How a sign-in to the console ended, and with how many factors, has a place of its own in the class for it. */
function signInOf(document: Json, unmapped: Json): Json {
  if (at(document, 'api', 'operation') !== 'ConsoleLogin') return {}
  const mfa = document.is_mfa ?? document.mfa
  return {
    responseElements: { ConsoleLogin: document.status },
    additionalEventData: {
      ...(typeof mfa === 'boolean' ? { MFAUsed: mfa ? 'Yes' : 'No' } : {}),
      ...(unmapped.additionalEventData as Json),
    },
  }
}

/** `{"a.b": 1}` as `{a: {b: 1}}`. */
function placed(unmapped: unknown): Json {
  const root: Json = Object.create(null) as Json
  if (unmapped === null || typeof unmapped !== 'object') return {}
  for (const [path, value] of Object.entries(unmapped)) {
    const names = path.split('.').slice(0, 16)
    let inner = root
    for (const name of names.slice(0, -1)) {
      if (inner[name] === null || typeof inner[name] !== 'object') inner[name] = Object.create(null)
      inner = inner[name] as Json
    }
    inner[names.at(-1) ?? ''] = value
  }
  const { resources: _resources, ...rest } = root
  return rest
}

/** Parameters stand in OCSF as JSON in a string, or as an object. */
function packed(value: unknown): unknown {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string') return value
  try {
    return parseExact(value)
  } catch {
    // Cut off on its way here: the event is told without it.
    return undefined
  }
}

const resourcesOf = (resources: unknown): Json[] | undefined =>
  Array.isArray(resources)
    ? resources.map((one: unknown) => ({ ARN: at(one, 'uid'), type: at(one, 'type'), accountId: at(one, 'owner', 'account', 'uid') }))
    : undefined

function timeOf(written: unknown, number: unknown): unknown {
  if (typeof written === 'string') return written
  if (typeof number !== 'number' || !Number.isFinite(number)) return number
  const time = new Date(number)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}
