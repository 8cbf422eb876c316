/** What a report of Checkov must look like: a check, and what stands around the checks. */
import { z } from 'zod'
import type { FindingClass } from '../../domain/finding.ts'

const text = z.string().nullish()
const lists = ['failed_checks', 'passed_checks', 'skipped_checks'] as const
export const listsOf = (root: string): string[] => lists.map((list) => `${root}.results.${list}.*`)

export const CheckovCheck = z.looseObject({
  check_id: z.string().regex(/^[\w./-]{1,100}$/, 'not the id of a check'),
  bc_check_id: text,
  check_name: text,
  check_result: z.looseObject({ suppress_comment: text }).nullish(),
  file_path: text,
  repo_file_path: text,
  file_line_range: z.array(z.number().nullable()).nullish(),
  resource: text,
  severity: text,
  guideline: text,
  description: text,
  short_description: text,
  vulnerability_details: z
    .looseObject({
      id: text,
      package_name: text,
      package_version: text,
      package_type: text,
      lowest_fixed_version: text,
      cvss: z.number().nullish(),
      vector: text,
      link: text,
      description: text,
    })
    .nullish(),
})
export type CheckovCheck = z.infer<typeof CheckovCheck>

const Part = z.object({
  check_type: z.string(),
  results: z.object({ parsing_errors: z.array(z.string()).nullish() }),
  summary: z.object({ checkov_version: text }).nullish(),
})
/** What it writes when there was nothing to check. */
const Nothing = z.object({ passed: z.literal(0), failed: z.literal(0), checkov_version: z.string() })
type Part = { type: string; version: string | null; unparsed: readonly string[] }

export const Around = z.union([z.array(Part), Part, Nothing])
export const partsOf = (value: z.infer<typeof Around>): Part[] =>
  'checkov_version' in value
    ? [{ type: 'all', version: value.checkov_version, unparsed: [] }]
    : (Array.isArray(value) ? value : [value]).map(({ check_type, results, summary }) => ({
        type: check_type,
        version: summary?.checkov_version ?? null,
        unparsed: results.parsing_errors ?? [],
      }))

export function coveredBy(type: string): FindingClass[] {
  if (type === 'secrets') return ['secret']
  return type.startsWith('sca_') ? ['vulnerability', 'licence'] : ['misconfiguration']
}
