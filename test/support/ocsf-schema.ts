/** What OCSF 1.8 requires of the four classes we write, by hand from its schema: required attributes, their types, enumerations, captions beside ids. */
import { z } from 'zod'

const text = z.string().min(1)
const ms = z.int().min(946_684_800_000).max(9_000_000_000_000)
const labels = z.array(text).min(1)
const named = z.strictObject({ uid: text, name: text.optional() })
const attack = z
  .strictObject({ tactic: named.optional(), technique: named.optional(), sub_technique: named.optional() })
  .refine((one) => one.tactic ?? one.technique ?? one.sub_technique, 'at least one of tactic, technique, sub_technique')
const attacks = z.array(attack).min(1).optional()
const analytic = z.strictObject({ uid: text.optional(), name: text.optional(), type_id: z.literal(1), type: z.literal('Rule') })
const info = z.strictObject({
  uid: text,
  title: z.string().optional(),
  desc: text.optional(),
  types: z.array(text).min(1).optional(),
  analytic: analytic.optional(),
  attacks,
  created_time: ms.optional(),
  first_seen_time: ms.optional(),
  last_seen_time: ms.optional(),
  modified_time: ms.optional(),
  related_events_count: z.int().optional(),
  data_sources: z.array(text).optional(),
  src_url: z.url().optional(),
})
const resource = z.strictObject({
  uid: text,
  name: z.string(),
  type: text,
  namespace: text.optional(),
  version: text.optional(),
  labels: labels.optional(),
})
const statuses = { 1: 'New', 2: 'In Progress', 3: 'Suppressed', 4: 'Resolved' }
const incidentStatuses = { 1: 'New', 2: 'In Progress', 5: 'Closed' }
const severities = ['Unknown', 'Informational', 'Low', 'Medium', 'High', 'Critical']
const activities = { 1: 'Create', 2: 'Update', 3: 'Close' }

const base = {
  activity_id: z.int().min(1).max(3),
  activity_name: text,
  category_uid: z.literal(2),
  category_name: z.literal('Findings'),
  class_name: text,
  type_uid: z.int(),
  type_name: text,
  time: ms,
  severity_id: z.int().min(0).max(5),
  severity: text,
  status_id: z.int(),
  status: text,
  status_detail: text.optional(),
  message: z.string(),
  count: z.int().min(1).optional(),
  metadata: z.strictObject({
    version: z.literal('1.8.0'),
    product: z.strictObject({ name: z.literal('Falconer'), vendor_name: z.literal('Falconer'), version: text }),
    profiles: z.array(text).min(1).optional(),
    labels,
  }),
  unmapped: z.record(z.string(), z.unknown()).optional(),
}
const endpoint = z.strictObject({ ip: text.optional(), port: z.int().optional() }).optional()
const file = z.strictObject({ path: text, name: text, type_id: z.int() }).optional()
const process = z.strictObject({ name: z.string().optional(), pid: z.int().optional(), cmd_line: z.string().optional() })
const user = z.strictObject({ uid: text.optional(), name: text.optional() })
const evidence = z
  .strictObject({
    process: process.extend({ file, user: user.optional(), parent_process: process.optional() }).optional(),
    file,
    src_endpoint: endpoint,
    dst_endpoint: endpoint,
    connection_info: z.strictObject({ protocol_name: text, direction_id: z.int() }).optional(),
    actor: z.strictObject({ user }).optional(),
    api: z.strictObject({ operation: text, service: z.strictObject({ name: text }).optional() }).optional(),
  })
  .refine((one) => Object.keys(one).length > 0, 'at least one')
const references = z.array(text).optional()

export const Event = z
  .discriminatedUnion('class_uid', [
    z.strictObject({
      ...base,
      class_uid: z.literal(2002),
      finding_info: info,
      resources: z.array(resource).min(1),
      vulnerabilities: z
        .array(
          z
            .strictObject({
              cve: z
                .strictObject({
                  uid: z.string().regex(/^CVE-\d{4}-\d{4,}$/),
                  cvss: z.array(z.strictObject({ version: z.string(), base_score: z.number(), vector_string: text.optional() })).optional(),
                })
                .optional(),
              advisory: z.strictObject({ uid: text }).optional(),
              related_vulnerabilities: z.array(text).optional(),
              title: z.string(),
              desc: text.optional(),
              severity: text.optional(),
              references,
              remediation: z.strictObject({ desc: text }).optional(),
              first_seen_time: ms,
              last_seen_time: ms,
              is_fix_available: z.boolean().optional(),
              affected_packages: z
                .array(
                  z.strictObject({
                    name: text,
                    version: z.string(),
                    purl: text,
                    package_manager: text.optional(),
                    fixed_in_version: text.optional(),
                    path: text.optional(),
                  }),
                )
                .optional(),
            })
            .refine((one) => one.cve ?? one.advisory, 'at least one of cve and advisory'),
        )
        .length(1),
    }),
    z.strictObject({
      ...base,
      class_uid: z.literal(2003),
      finding_info: info,
      resources: z.array(resource).min(1),
      compliance: z.strictObject({
        control: text,
        standards: z.array(text).min(1),
        requirements: z.array(text).optional(),
        status_id: z.int().min(1).max(3),
        status: z.enum(['Pass', 'Warning', 'Fail']),
        status_detail: text.optional(),
      }),
      remediation: z.strictObject({ desc: text, references }).optional(),
    }),
    z.strictObject({
      ...base,
      class_uid: z.literal(2004),
      is_alert: z.literal(true),
      finding_info: info,
      device: z.strictObject({ hostname: text, type_id: z.literal(0) }).optional(),
      container: z.strictObject({ uid: text, name: text.optional(), image: z.strictObject({ name: text }).optional() }).optional(),
      resources: z.array(resource).optional(),
      evidences: z.array(evidence).min(1).optional(),
    }),
    z.strictObject({
      ...base,
      class_uid: z.literal(2005),
      finding_info_list: z.array(info).min(1).max(50),
      desc: z.string(),
      src_url: z.url(),
      start_time: ms,
      end_time: ms,
      attacks,
      verdict_id: z.int().min(0).max(10).optional(),
      verdict: text.optional(),
      confidence_id: z.int().min(1).max(3).optional(),
      confidence: text.optional(),
      assignee_group: z.strictObject({ name: text }),
    }),
  ])
  .superRefine((event, context) => {
    const wrong = (message: string): void => context.addIssue({ code: 'custom', message })
    if (event.type_uid !== event.class_uid * 100 + event.activity_id) wrong('type_uid is class_uid * 100 + activity_id')
    if (event.type_name !== `${event.class_name}: ${event.activity_name}`) wrong('type_name')
    if (event.severity !== severities[event.severity_id]) wrong('severity is the caption of severity_id')
    if (event.activity_name !== activities[event.activity_id as 1]) wrong('activity_name is the caption of activity_id')
    if (event.status !== (event.class_uid === 2005 ? incidentStatuses : statuses)[event.status_id as 1])
      wrong('status is the caption of status_id')
  })
