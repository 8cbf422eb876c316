/**
 * An alert: one detection from runtime (OCSF detection_finding, class 2004), as a collector normalised it.
 * `fields` is what the sensor wrote, unknown keys, nulls and exact integers included; the rest is derived from it.
 */
import { z } from 'zod'
import { Priority, Severity } from './severity.ts'

export const NewAlert = z.object({
  scope: z.string().min(1).describe('Cluster, cloud account or "global"'),
  contentKey: z.string().min(1).describe('What makes this record the same record; see the collector’s documentation'),
  sensor: z.string().describe('What wrote it: "falco"'),
  sensorSource: z.string().nullable().describe('Falco’s own source: syscall, k8s_audit, …'),
  eventNs: z.bigint().describe('Event time, nanoseconds since 1970'),
  eventTimeFrom: z.enum(['event', 'received']).describe('"received": the sensor gave no time'),
  rule: z.string(),
  priority: Priority,
  severity: Severity.describe('From the priority alone'),
  hostname: z.string().nullable(),
  activityKey: z
    .string()
    .nullable()
    .describe('Content key of the audit event that a detection of ours matched; null: the sensor itself sent it'),
  relayedAs: z.string().nullable().describe('The uuid that falcosidekick gave it; null: the sensor sent it itself'),
  truncated: z.array(z.string()).describe('The fields that falcosidekick cut, `output` among them'),
  tags: z.array(z.string()),
  tactics: z.array(z.string()).describe('ATT&CK tactic ids'),
  techniques: z.array(z.string()).describe('ATT&CK technique ids'),
  output: z.string().nullable().describe('The sensor’s prose: shown as a quotation, never parsed'),
  container: z
    .object({ id: z.string(), name: z.string().nullable(), image: z.string().nullable() })
    .nullable()
    .describe('Null on the host itself'),
  pod: z
    .object({ namespace: z.string(), name: z.string(), uid: z.string().nullable() })
    .nullable()
    .describe('As the sensor wrote it: a lead, never a target'),
  process: z
    .object({
      name: z.string().nullable(),
      pid: z.bigint().nullable(),
      startNs: z.bigint().nullable(),
      cmdline: z.string().nullable(),
      exepath: z.string().nullable(),
      parentName: z.string().nullable(),
      parentCmdline: z.string().nullable(),
      parentPid: z.bigint().nullable(),
      ancestors: z.array(z.string()).describe('proc.aname[n], nearest first'),
      user: z.string().nullable(),
      uid: z.bigint().nullable(),
      terminal: z.boolean(),
    })
    .nullable(),
  file: z.string().nullable().describe('fd.name when it is a path'),
  connection: z
    .object({
      clientIp: z.string().nullable(),
      clientPort: z.number().nullable(),
      serverIp: z.string().nullable(),
      serverPort: z.number().nullable(),
      protocol: z.string().nullable(),
    })
    .nullable(),
  fields: z.record(z.string(), z.unknown()).describe('output_fields as written, exact'),
  document: z.record(z.string(), z.unknown()).describe('The whole document as parsed, exact'),
  raw: z.custom<Uint8Array>((value) => value instanceof Uint8Array).describe('The bytes as received'),
  rawIsDocument: z.literal(true).optional().describe('`raw` is `document` and nothing else: `said` can be read from it again'),
})
export type NewAlert = z.infer<typeof NewAlert>

/** What a document itself says in words and in fields. Pure: of the same document always the same. */
export function said(document: Record<string, unknown>): Pick<NewAlert, 'output' | 'fields'> {
  const { output, output_fields: fields } = document
  return { output: typeof output === 'string' ? output : null, fields: (fields ?? {}) as NewAlert['fields'] }
}

/** A stored alert: the normalised record, its id and its place in time. `raw` is read on its own. */
export type Alert = Omit<NewAlert, 'raw' | 'document' | 'rawIsDocument'> & {
  id: string
  sourceId: string | null
  receivedAt: Date
  seen: number
}
/**
 * What correlation asks of an alert, which is less than all. `fields` are null where nothing is to be found in them: a system call has
 * no identity but its process.
 */
export type Lead = Omit<Alert, 'output' | 'fields' | 'contentKey' | 'seen'> & { fields: Alert['fields'] | null }
