/** What a model hands in for an answer. No keyword that an API for structured output might refuse; sizes are kept by code. */
import { z } from 'zod'
import { formOf } from '../model/form.ts'

const SaidAnswer = z.object({
  sentences: z
    .array(
      z.object({
        text: z.string().describe('One sentence. Values of records between ⟦ and ⟧, exactly as the record shows them'),
        kind: z.enum(['observation', 'causal', 'absence', 'inference']).describe('causal: cites two records; absence: cites coverage'),
        cites: z.array(z.string()).describe('Records: incident:<uuid>, alert:<uuid>, fix:<uuid>, coverage:<source name>, …'),
      }),
    )
    .describe('The answer first, then why'),
  unknowns: z.array(z.string()).describe('What was not observed, since when, and who could look'),
  follow_ups: z.array(z.string()).describe('Questions that could come next; three at most'),
})
export type SaidAnswer = z.infer<typeof SaidAnswer>

export const answerForm = formOf('answer', SaidAnswer)
