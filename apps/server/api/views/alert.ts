/** How the API shows an alert. */
import { z } from 'zod'
import type { Alert } from '../../../../domain/alert.ts'
import { formatEventTime } from '../../../../domain/event-time.ts'
import { Priority, Severity } from '../../../../domain/severity.ts'
import type { Usual } from '../../../../incidents/baseline.ts'
import { UsualView, usualView } from './baseline.ts'
import { date, time } from './fields.ts'

export const AlertView = z.object({
  id: z.string(),
  scope: z.string(),
  eventTime: time,
  receivedAt: date,
  rule: z.string(),
  priority: Priority,
  severity: Severity,
  hostname: z.string().nullable(),
  tags: z.array(z.string()),
  tactics: z.array(z.string()),
  techniques: z.array(z.string()),
  output: z.string().nullable(),
  container: z.unknown(),
  pod: z.unknown(),
  file: z.string().nullable(),
  connection: z.unknown(),
  seen: z.number().int(),
  fields: z.record(z.string(), z.unknown()).describe('output_fields exactly as written'),
  usual: UsualView.nullable().describe('How usual its rule by its process was in its place before its day; null: it was not placed yet'),
})
export const alertView = (alert: Alert, usual: Usual | undefined): z.infer<typeof AlertView> => ({
  usual: usualView(usual),
  id: alert.id,
  scope: alert.scope,
  eventTime: formatEventTime(alert.eventNs),
  receivedAt: alert.receivedAt,
  rule: alert.rule,
  priority: alert.priority,
  severity: alert.severity,
  hostname: alert.hostname,
  tags: alert.tags,
  tactics: alert.tactics,
  techniques: alert.techniques,
  output: alert.output,
  container: alert.container,
  pod: alert.pod,
  file: alert.file,
  connection: alert.connection,
  seen: alert.seen,
  fields: alert.fields,
})
