/** How the API shows a source and a dead letter; never a source’s secret. */
import { z } from 'zod'
import type { DeadLetter } from '../../../../store/dead-letters.ts'
import type { Source } from '../../../../store/sources.ts'
import { date } from './fields.ts'

export const SourceView = z.object({
  id: z.string(),
  name: z.string(),
  collector: z.string(),
  scope: z.string(),
  createdAt: date,
  disabledAt: date.nullable(),
  lastSeenAt: date.nullable().describe('Null: never heard'),
  lastEventAt: date.nullable(),
  accepted: z.number().int(),
  duplicates: z.number().int(),
  internal: z.number().int(),
  deadLetters: z.number().int(),
  skewMs: z.number().nullable(),
  expectedMs: z.number().nullable().describe('Silent for longer is a gap; null: as its collector says'),
  truncated: z.number().int().describe('Alerts that came with fields cut'),
})
export const sourceView = (source: Source): z.infer<typeof SourceView> => source

export const DeadLetterView = z.object({
  id: z.string(),
  scope: z.string(),
  sourceId: z.string().nullable(),
  receivedAt: date,
  place: z.string(),
  reason: z.string(),
  size: z.number().int(),
  preview: z.string(),
  replayedAt: date.nullable(),
})
export const deadLetterView = (letter: DeadLetter): z.infer<typeof DeadLetterView> => letter
