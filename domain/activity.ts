/**
 * An activity: who did what, with which identity, through an API (OCSF api_activity 6003), from an audit log. Kept to be asked about.
 * A detection that matches one makes an alert beside it.
 */
import { z } from 'zod'

export const NewActivity = z.object({
  scope: z.string().describe('Cluster or cloud account'),
  contentKey: z.string().describe('What makes this record the same record; see the collector’s documentation'),
  producer: z.string().describe('"cloudtrail", "kubernetes-audit"'),
  eventNs: z.bigint(),
  service: z.string().describe('s3.amazonaws.com; the API group, "core" for none'),
  operation: z.string().describe('GetObject; verb and resource: "create pods/exec"'),
  outcome: z.enum(['success', 'failure', 'unknown']),
  error: z.string().nullable(),
  actor: z.object({
    id: z.string().describe('ARN, or user name of Kubernetes; "unknown" when the log does not say'),
    name: z.string(),
    kind: z.enum(['user', 'role', 'service_account', 'service', 'root', 'anonymous', 'unknown']),
    session: z.string().nullable().describe('Access key id or credential id'),
  }),
  source: z.object({ ip: z.string().nullable(), service: z.string().nullable(), userAgent: z.string().nullable() }),
  resources: z.array(z.string()).max(20).describe('ARNs, or namespace/Kind/name'),
  properties: z.record(z.string(), z.unknown()).describe('Request parameters worth asking for, secrets removed'),
  raw: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
})
export type NewActivity = z.infer<typeof NewActivity>
