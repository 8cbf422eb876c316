/**
 * What a model hands in: sentences with the ids of records, and nothing that code does not look up itself. The schema has no keyword that an API for
 * structured output might refuse; sizes are kept by code (`draftFrom`).
 */
import { z } from 'zod'
import { Verdict } from '../../domain/report.ts'
import { Severity } from '../../domain/severity.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { formOf } from '../model/form.ts'

const SaidClaim = z.object({
  text: z.string().describe('One sentence. Values of records between ⟦ and ⟧, exactly as the record shows them'),
  kind: z.enum(['observation', 'causal', 'absence', 'inference']).describe('causal: cites two records; absence: cites coverage'),
  cites: z
    .array(z.string())
    .describe(
      'Records: alert:<uuid>, entity:<id>, finding:<uuid>, step:<src>/<type>/<dst>, incident:<uuid>, decision:<uuid>, coverage:<source name>',
    ),
})
const names = actions.map(({ name }) => name) as [string, ...string[]]

const SaidReport = z.object({
  verdict: Verdict,
  confidence: z.enum(['low', 'medium', 'high']),
  severity: Severity.describe('Your suggestion; never below what rules found'),
  summary: z.array(SaidClaim).describe('What happened, in three sentences at most'),
  reasons: z.array(SaidClaim).describe('Why this verdict; the strongest record against it too'),
  unusual: z.array(SaidClaim).describe('What was not like this before'),
  timeline: z.array(SaidClaim).describe('What happened when, in order; 20 at most'),
  rootCause: z.array(SaidClaim).describe('What made it possible, the likeliest first'),
  fixFirst: z.array(SaidClaim).describe('What to change so that it cannot happen again'),
  blastRadius: z.array(SaidClaim).describe('What whoever is there could take next'),
  unknowns: z.array(z.string()).describe('What was not observed, since when, and who could look'),
  techniques: z.array(z.string()).describe('ATT&CK ids, e.g. T1059.004'),
  actions: z.array(
    z.object({
      action: z.enum(names),
      entity: z.string().describe('Id of the inventory record to act on'),
      replicas: z.number().nullable().describe('Of kubernetes.scale_workload only; else null'),
      reason: z.string(),
    }),
  ),
})
export type SaidReport = z.infer<typeof SaidReport>

export const reportForm = formOf('report', SaidReport)
