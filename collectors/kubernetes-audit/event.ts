/** An event of the Kubernetes audit log as the API server writes it (audit.k8s.io v1 and its betas), and the parts read from it. */
import { z } from 'zod'

const text = z.string().nullish()
const User = z.looseObject({
  username: text,
  uid: text,
  groups: z.array(z.string()).nullish(),
  extra: z.record(z.string(), z.array(z.string()).nullable()).nullish(),
})
export const AuditEvent = z.looseObject({
  auditID: z.string().min(1).max(200),
  stage: text,
  level: text,
  verb: text,
  requestURI: text,
  user: User.nullish(),
  impersonatedUser: User.nullish(),
  sourceIPs: z.array(z.string()).nullish(),
  userAgent: text,
  objectRef: z
    .looseObject({ resource: text, namespace: text, name: text, uid: text, apiGroup: text, apiVersion: text, subresource: text })
    .nullish(),
  responseStatus: z.looseObject({ code: z.number().nullish(), reason: text, message: text, status: text }).nullish(),
  requestObject: z.unknown().optional(),
  responseObject: z.unknown().optional(),
  requestReceivedTimestamp: text,
  stageTimestamp: text,
  timestamp: text,
  annotations: z.record(z.string(), z.string().nullable()).nullish(),
})
export type AuditEvent = z.infer<typeof AuditEvent>

/** What the path of a request names: `/api/v1/namespaces/shop/pods/cart/exec`. Null: no resource (`/healthz`). */
export function objectOfPath(uri: string): NonNullable<AuditEvent['objectRef']> | null {
  const parts = (uri.split('?')[0] ?? '').split('/').filter((part) => part !== '')
  const [root, group = '', version = ''] = parts
  if (root !== 'api' && root !== 'apis') return null
  let rest = parts.slice(root === 'api' ? 2 : 3)
  const named = rest[0] === 'namespaces' && rest.length > 2
  const namespace = named ? rest[1] : rest[0] === 'namespaces' ? rest[1] : undefined
  if (named) rest = rest.slice(2)
  const [resource, name, subresource] = rest
  if (resource === undefined) return null
  return {
    resource,
    name,
    namespace,
    subresource,
    apiGroup: root === 'api' ? undefined : group,
    apiVersion: root === 'api' ? group : version,
  }
}

/** Parameters of the request’s address, in order; an exec’s command is `command=sh&command=-c&…`. */
export function parametersOf(uri: string | null | undefined): URLSearchParams {
  const at = uri?.indexOf('?') ?? -1
  return new URLSearchParams(uri === null || uri === undefined || at < 0 ? '' : uri.slice(at + 1, at + 8_000))
}
