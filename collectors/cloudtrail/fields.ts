/** An event in the field names of Falco’s cloudtrail plugin, so that its rules, our searches and correlation read both alike. */
import { stringifyExact } from '../../domain/exact-json.ts'
import { cut } from '../words.ts'
import type { TrailEvent } from './event.ts'

type Fields = Record<string, unknown>

/** `event` is what is kept of it. What the event does not say has no field. */
export function fieldsOf(event: TrailEvent): Fields {
  const { userIdentity: user, requestParameters: request } = event
  const fields: Fields = {
    'ct.id': event.eventID,
    'ct.error': event.errorCode,
    'ct.errormessage': event.errorMessage == null ? undefined : cut(event.errorMessage, 1_000),
    'ct.time': event.eventTime,
    'ct.src': event.eventSource,
    'ct.shortsrc': event.eventSource.replace(/\.amazonaws\.com(\.cn)?$/, ''),
    'ct.name': event.eventName,
    'ct.user': user?.userName ?? user?.sessionContext?.sessionIssuer?.userName,
    'ct.user.accountid': user?.accountId,
    'ct.user.identitytype': user?.type,
    'ct.user.principalid': user?.principalId,
    'ct.user.arn': user?.arn,
    'ct.region': event.awsRegion,
    'ct.srcip': event.sourceIPAddress,
    'ct.useragent': event.userAgent,
    'ct.readonly': flag(event.readOnly),
    'ct.managementevent': flag(event.managementEvent),
    'ct.requestid': event.requestID,
    'ct.eventtype': event.eventType,
    'ct.recipientaccountid': event.recipientAccountId,
    'ct.request': packed(request),
    'ct.response': packed(event.responseElements),
    'ct.additionaleventdata': packed(event.additionalEventData),
    'ct.request.name': at(request, 'name'),
    'ct.request.username': at(request, 'userName'),
    'ct.request.groupname': at(request, 'groupName'),
    'ct.request.functionname': at(request, 'functionName'),
    'ct.request.cluster': at(request, 'cluster') ?? at(request, 'clusterName'),
    'ct.request.policy': at(request, 'policyArn') ?? at(request, 'policy'),
    's3.bucket': event.eventSource === 's3.amazonaws.com' ? at(request, 'bucketName') : undefined,
    's3.key': event.eventSource === 's3.amazonaws.com' ? at(request, 'key') : undefined,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== ''))
}

const flag = (value: boolean | string | null | undefined): string | undefined => (value == null ? undefined : String(value))
const packed = (value: unknown): string | undefined =>
  value === null || typeof value !== 'object' || Object.keys(value).length === 0 ? undefined : cut(stringifyExact(value), 4_000)

function at(value: unknown, name: string): string | undefined {
  const inner = value !== null && typeof value === 'object' ? (value as Fields)[name] : undefined
  return typeof inner === 'string' ? inner : undefined
}
