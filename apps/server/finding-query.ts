/** What a search for findings may ask, in the words of the API and of the page's address; the same for both. */
import { z } from 'zod'
import { FindingClass } from '../../domain/finding.ts'
import { Severity } from '../../domain/severity.ts'
import { findingStatuses } from '../../store/finding-life.ts'
import type { FindingFilter } from '../../store/finding-search.ts'

const text = z.string().min(1).max(500).optional()
export const FindingQuery = z.object({
  status: z.enum([...findingStatuses, 'any']).default('open'),
  class: FindingClass.optional(),
  severity: Severity.optional().describe('At least this severe'),
  check: text.describe('CVE, or the scanner’s id of the check'),
  resource: text.describe('Part of the resource’s name'),
  package: text.describe('Exactly this package'),
  namespace: text,
  scope: text.describe('Cluster or account whose scans saw it'),
  scanner: text,
  inUse: z.stringbool().optional().describe('Only of packages that were seen in use; the others were not observed, which is not “unused”'),
})

export const findingFilterOf = ({ status, severity, ...rest }: z.infer<typeof FindingQuery>): FindingFilter => ({
  ...rest,
  ...(status === 'any' ? {} : { status }),
  minSeverity: severity,
})
