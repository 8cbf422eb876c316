/** One thing an analyst did while it worked, as people follow it on the page, in chat and on the command line. Kept with what it belongs to. */
import { z } from 'zod'

export const AnalystStep = z.object({
  number: z.number().int().describe('From 1, without a gap'),
  at: z.date(),
  kind: z.enum(['began', 'asked', 'answered', 'refused', 'said', 'drafted', 'mended', 'stopped', 'done']),
  tool: z.string().nullable().describe('Of what was asked and answered'),
  /** Words of a model, or values of records: shown as untrusted text. */
  text: z.string().max(2_000),
  bytes: z.number().int().nullable().describe('Of an answer'),
})
export type AnalystStep = z.infer<typeof AnalystStep>
export type NewStep = Pick<AnalystStep, 'kind' | 'text'> & Partial<Pick<AnalystStep, 'tool' | 'bytes'>>
