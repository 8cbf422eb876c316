/** An event in the field names of Falco’s k8saudit plugin, so that its rules, our searches and correlation read both alike. */
import { commandOf } from './kept.ts'
import { type AuditEvent, parametersOf } from './event.ts'

type Fields = Record<string, unknown>

/** `event` is what is kept of it. What the event does not say has no field. */
export function fieldsOf(event: AuditEvent): Fields {
  const { user, objectRef, responseStatus, annotations } = event
  const fields: Fields = {
    'ka.auditid': event.auditID,
    'ka.stage': event.stage,
    'ka.user.name': user?.username,
    'ka.user.groups': user?.groups,
    // Tokens that are bound to a pod say so; Falco’s plugin has no names for it.
    'ka.user.pod.name': user?.extra?.['authentication.kubernetes.io/pod-name']?.[0],
    'ka.user.pod.uid': user?.extra?.['authentication.kubernetes.io/pod-uid']?.[0],
    'ka.impuser.name': event.impersonatedUser?.username,
    'ka.verb': event.verb,
    'ka.uri': event.requestURI,
    'ka.uri.param[container]': parametersOf(event.requestURI).get('container'),
    'ka.uri.param[command]': commandOf(event.requestURI),
    'ka.target.resource': objectRef?.resource,
    'ka.target.subresource': objectRef?.subresource,
    'ka.target.namespace': objectRef?.namespace,
    'ka.target.name': objectRef?.name,
    'ka.response.code': responseStatus?.code,
    'ka.response.reason': responseStatus?.reason,
    'ka.useragent': event.userAgent,
    'ka.sourceips': event.sourceIPs,
    'ka.auth.decision': annotations?.['authorization.k8s.io/decision'],
    'ka.auth.reason': annotations?.['authorization.k8s.io/reason'],
    // EKS says whose cloud identity it was: CloudTrail’s alerts carry the same field.
    'ct.user.arn': user?.extra?.arn?.[0],
    ...requestFields(event.requestObject, objectRef?.resource ?? ''),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== ''))
}

function requestFields(object: unknown, resource: string): Fields {
  if (resource.endsWith('bindings'))
    return { 'ka.req.binding.role': at(object, 'roleRef', 'name'), 'ka.req.binding.subjects': at(object, 'subjects') }
  if (/^(cluster)?roles$/.test(resource)) return { 'ka.req.role.rules': at(object, 'rules') }
  if (resource === 'services')
    return { 'ka.req.service.type': at(object, 'spec', 'type'), 'ka.req.service.ports': at(object, 'spec', 'ports') }
  const spec = podSpecOf(object)
  if (spec === null) return {}
  const containers = at(spec, 'containers')
  const each = (...names: string[]): unknown[] | undefined => {
    const values = Array.isArray(containers) ? containers.map((one: unknown) => at(one, ...names)).filter((one) => one !== undefined) : []
    return values.length === 0 ? undefined : values
  }
  return {
    'ka.req.pod.containers.image': each('image'),
    'ka.req.pod.containers.privileged': each('securityContext', 'privileged'),
    'ka.req.pod.host_network': at(spec, 'hostNetwork'),
    'ka.req.pod.host_pid': at(spec, 'hostPID'),
    'ka.req.pod.host_ipc': at(spec, 'hostIPC'),
    'ka.req.pod.volumes.hostpath': hostPathsOf(at(spec, 'volumes')),
  }
}

/** Of a pod, or of what makes pods. */
function podSpecOf(object: unknown): unknown {
  for (const path of [['spec', 'jobTemplate', 'spec', 'template', 'spec'], ['spec', 'template', 'spec'], ['spec']]) {
    const spec = at(object, ...path)
    if (Array.isArray(at(spec, 'containers'))) return spec
  }
  return null
}

function hostPathsOf(volumes: unknown): unknown[] | undefined {
  const paths = Array.isArray(volumes)
    ? volumes.map((one: unknown) => at(one, 'hostPath', 'path')).filter((path) => path !== undefined)
    : []
  return paths.length === 0 ? undefined : paths
}

const at = (value: unknown, ...names: string[]): unknown =>
  names.reduce<unknown>((inner, name) => (inner !== null && typeof inner === 'object' ? (inner as Fields)[name] : undefined), value)
