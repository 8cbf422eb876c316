/**
 * What of an event is stored. Of the objects sent and answered only the listed names (kept.ts): never the data of Secrets and ConfigMaps,
 * environment values, arguments, annotations or issued tokens. Secrets in the address of a request are masked.
 */
import { redact } from '../../domain/redact.ts'
import { keepListed, keepParts } from '../kept.ts'
import { cut } from '../words.ts'
import { type AuditEvent, parametersOf } from './event.ts'

const listed: ReadonlySet<string> = new Set(
  `kind apiVersion metadata name namespace uid generateName ownerReferences controller resourceVersion
  spec template jobTemplate containers initContainers ephemeralContainers image securityContext privileged allowPrivilegeEscalation
  readOnlyRootFilesystem runAsUser runAsGroup runAsNonRoot capabilities add drop procMount volumes volumeMounts hostPath path mountPath
  hostPID hostIPC hostNetwork hostPort containerPort serviceAccountName automountServiceAccountToken nodeName
  roleRef subjects rules verbs resources apiGroups nonResourceURLs resourceNames aggregationRule
  type ports nodePort port protocol externalIPs clusterIP loadBalancerIP ingressClassName
  schedule suspend replicas completions parallelism
  webhooks failurePolicy sideEffects operations scope service
  signerName usages username groups expirationSeconds audiences boundObjectRef
  user resourceAttributes nonResourceAttributes verb resource subresource group
  propagationPolicy gracePeriodSeconds preconditions status reason code message`
    .split(/\s+/)
    .map((name) => name.toLowerCase()),
)

const parts: ReadonlySet<string> = new Set(
  `kind apiVersion level auditID stage requestURI verb user impersonatedUser authenticationMetadata sourceIPs userAgent objectRef responseStatus
  requestObject responseObject requestReceivedTimestamp stageTimestamp timestamp annotations metadata`.split(/\s+/),
)

export function keepEvent(whole: AuditEvent): { event: AuditEvent; dropped: boolean } {
  const { event, dropped } = keepParts(whole, parts)
  const request = keepListed(event.requestObject, listed)
  const response = keepListed(event.responseObject, listed)
  const requestURI = keepAddress(event.requestURI)
  const annotations = keepAnnotations(event.annotations)
  if (!dropped && !request.dropped && !response.dropped && requestURI === event.requestURI && annotations === event.annotations)
    return { event, dropped: false }
  return {
    event: {
      ...event,
      ...('requestURI' in event ? { requestURI } : {}),
      ...('annotations' in event ? { annotations } : {}),
      ...('requestObject' in event ? { requestObject: request.value } : {}),
      ...('responseObject' in event ? { responseObject: response.value } : {}),
    },
    dropped: true,
  }
}

/** Webhooks’ patches stand in annotations, and what they put into an object with them. */
function keepAnnotations(annotations: AuditEvent['annotations']): AuditEvent['annotations'] {
  if (annotations === null || annotations === undefined) return annotations
  const kept = Object.entries(annotations).filter(([name]) => !name.startsWith('patch.'))
  return kept.length === Object.keys(annotations).length ? annotations : Object.fromEntries(kept)
}

/** The command of an exec is in its address, word by word and encoded: it is looked through as a whole. */
export const commandOf = (uri: AuditEvent['requestURI']): string | null => {
  const words = parametersOf(uri).getAll('command')
  return words.length === 0 ? null : cut(redact(words.join(' ')), 2_000)
}

function keepAddress(uri: AuditEvent['requestURI']): AuditEvent['requestURI'] {
  if (typeof uri !== 'string') return uri
  const parameters = parametersOf(uri)
  const command = parameters.getAll('command').join(' ')
  const decoded = [...parameters].map(([name, value]) => `${name}=${value}`)
  if (redact(command) === command && decoded.every((one) => redact(one) === one)) return redact(uri)
  parameters.delete('command')
  const kept = [...parameters].map(([name, value]) => `${name}=${redact(`${name}=${value}`).slice(name.length + 1)}`)
  return `${redact(uri.split('?')[0] ?? '')}?${[...kept, ...(command === '' ? [] : [`command=${redact(command)}`])].join('&')}`
}
