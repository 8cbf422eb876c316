/** What a model hands in for an answer. No keyword that an API for structured output might refuse; sizes are kept by code. */
import { z } from 'zod'

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

const { $schema: _dialect, ...schema } = z.toJSONSchema(SaidAnswer)
/** The same bytes in every call, or nothing before it is cached. */
export const answerSchema = schema as Record<string, unknown>

/** Undefined: it is no answer. */
export function answerIn(text: string): SaidAnswer | undefined {
  try {
    return SaidAnswer.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
