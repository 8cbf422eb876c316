/** An advisory: what a dated snapshot of an intelligence list says of one CVE: that it is known to be exploited (KEV), how probable that is (EPSS). */
import { z } from 'zod'

export const NewAdvisory = z.object({
  list: z.enum(['kev', 'epss']),
  cve: z.string().regex(/^CVE-\d{4}-\d{4,}$/),
  snapshot: z.string().describe('The list’s own date, 2026-11-24, or its version'),
  snapshotNs: z.bigint(),
  facts: z.record(z.string(), z.unknown()).describe('kev: dateAdded, dueDate, ransomware, action; epss: score, percentile'),
})
export type NewAdvisory = z.infer<typeof NewAdvisory>

/** The ids by which such lists know a finding. */
export const cvesOf = ({ check, aliases }: { check: string; aliases: readonly string[] }): string[] =>
  [check, ...aliases].filter((id) => /^CVE-\d{4}-\d{4,}$/.test(id))
