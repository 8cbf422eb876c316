/** Threads and their turns as the API tells them. */
import { z } from 'zod'
import type { AnalystStep } from '../../../../domain/analyst-step.ts'
import { Answer, type Thread, type Turn, turnStates } from '../../../../domain/chat.ts'
import type { ThreadLine } from '../../../../store/threads.ts'
import { time } from './fields.ts'

export const ThreadView = z.object({
  id: z.string(),
  incident: z.string().nullable().describe('The incident it is about; null: all there is'),
  owner: z.string(),
  createdAt: time,
})
export const threadView = ({ id, incidentId, owner, createdAt }: Thread): z.infer<typeof ThreadView> => ({
  id,
  incident: incidentId,
  owner: owner.name,
  createdAt: createdAt.toISOString(),
})

export const ThreadLineView = ThreadView.extend({
  first: z.string().nullable().describe('Its first question'),
  questions: z.number().int(),
  newestAt: time,
})
export const threadLineView = (line: ThreadLine): z.infer<typeof ThreadLineView> => ({
  ...threadView(line),
  first: line.first,
  questions: line.turns,
  newestAt: line.newestAt.toISOString(),
})

export const TurnView = z.object({
  number: z.number().int(),
  askedBy: z.string(),
  question: z.string(),
  askedAt: time,
  state: z.enum(turnStates),
  answer: Answer.nullable(),
  answeredAt: time.nullable(),
  error: z.string().nullable().describe('Why it was not answered'),
  firstStep: z.number().int().nullable().describe('The first of its steps'),
})
export const turnView = (turn: Turn): z.infer<typeof TurnView> => ({
  number: turn.number,
  askedBy: turn.askedBy.name,
  question: turn.text,
  askedAt: turn.askedAt.toISOString(),
  state: turn.state,
  answer: turn.answer,
  answeredAt: turn.answeredAt?.toISOString() ?? null,
  error: turn.error,
  firstStep: turn.firstStep,
})

export const StepView = z.object({
  number: z.number().int(),
  at: time,
  kind: z.string(),
  tool: z.string().nullable(),
  text: z.string().describe('Untrusted: a model’s words, or values of records'),
  bytes: z.number().int().nullable(),
})
export const stepView = (step: AnalystStep): z.infer<typeof StepView> => ({ ...step, at: step.at.toISOString() })
