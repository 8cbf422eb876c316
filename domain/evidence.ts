/**
 * Evidence: a record that supports a claim, by a reference that code can re-read.
 * `path` names a field of the record and `value` the text that stood there when the claim was written.
 */
import { z } from 'zod'

export const EvidenceRef = z.object({
  record: z.enum(['alert', 'entity', 'decision', 'coverage', 'finding', 'step', 'incident', 'proposal', 'fix', 'rule']),
  id: z
    .string()
    .describe(
      'UUID of an alert, finding, incident, proposal or fix; entity row id, decision id, source name for coverage, of an attack step src/type/dst, of a Falco rule cluster/name',
    ),
  path: z
    .string()
    .nullable()
    .describe(
      'Field that was read, as alert.fields keys ("proc.cmdline") or "rule", "eventTime", "pod", "check", "because", "verdict"; null cites the whole record',
    ),
  value: z.string().nullable().describe('What stood there, as text'),
})
export type EvidenceRef = z.infer<typeof EvidenceRef>
