/** How the API shows the ledger of what was looked at. */
import { z } from 'zod'
import { gapKinds } from '../../../../domain/coverage.ts'
import { type Covered, coveredKinds } from '../../../../store/coverage-ledger.ts'
import { date } from './fields.ts'

export const CoveredView = z.object({
  kind: z.enum(coveredKinds),
  name: z.string(),
  scope: z.string(),
  by: z
    .string()
    .describe('The collector, the sensor’s maker, the scanner; of a destination how it is told; of knowledge the embedder or the folder'),
  lastAt: date.nullable().describe('Null: never'),
  expectedMs: z.number().nullable().describe('Silent for longer is a gap'),
  records: z.number().int(),
  deadLetters: z.number().int(),
  truncated: z.number().int(),
  gaps: z.array(
    z.object({
      kind: z.enum(gapKinds),
      since: date.nullable().describe('What happened after it is not known; null: not from one moment on'),
      says: z.string(),
    }),
  ),
})
export const coveredView = (covered: Covered): z.infer<typeof CoveredView> => covered
