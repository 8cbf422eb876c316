/** What a search for alerts may ask, in the words of the API and of the page's address; the same for both. */
import { z } from 'zod'
import { Severity } from '../../domain/severity.ts'
import type { AlertSearch } from '../../store/alert-search.ts'
import { EventMoment } from './api/operation.ts'

export const AlertQuery = z.object({
  rule: z.string().min(1).max(500).optional().describe('Exactly this rule'),
  container: z.string().min(1).max(100).optional().describe('Its id, as the sensor writes it'),
  pod: z
    .string()
    .max(400)
    .regex(/^[^/]+\/[^/]+$/, 'must be namespace/name')
    .optional()
    .describe('namespace/name, as the sensor writes it'),
  from: EventMoment.optional().describe('Event time, not before'),
  to: EventMoment.optional().describe('Event time, not after'),
  scope: z.string().min(1).max(100).optional().describe('Cluster'),
  severity: Severity.optional().describe('At least this severe'),
  text: z.string().min(2).max(200).optional().describe('In the sensor’s sentence or a field; looked for among so many alerts at a time'),
})

export const searchOf = ({ container, from, to, severity, ...rest }: z.infer<typeof AlertQuery>): AlertSearch => ({
  ...rest,
  containerId: container,
  fromNs: from,
  toNs: to,
  minSeverity: severity,
})
