/**
 * Chat: a thread of questions and their answers, about one incident or about all there is. An answer is claims, each with the records it stands on, read
 * again before anybody sees it; what did not hold is a hypothesis. That something is not known, and since when, is an answer too.
 */
import { z } from 'zod'
import type { Channel } from './principal.ts'
import { GroundedClaim } from './report.ts'
import { Spend } from './spend.ts'

export const longestQuestion = 2_000

export const Link = z.object({
  label: z.string().describe('Ours, or a name out of a record: shown as untrusted text'),
  path: z.string().regex(/^\/(?![/\\])/, 'is a page of ours'),
})
export type Link = z.infer<typeof Link>

export const Answer = z.object({
  by: z.string().describe('"rules", or the model that wrote it'),
  claims: z.array(GroundedClaim).describe('What is known, in order'),
  unknowns: z.array(z.string()).describe('What was not observed, and since when'),
  notes: z.array(z.string()).describe('About the answer itself, in words of ours: that no model was asked, what chat cannot do'),
  links: z.array(Link).describe('Where to read on'),
  followUps: z.array(z.string()).describe('Questions that could come next'),
  partial: z.string().nullable().describe('Why it ended before it was done; null: it was done'),
  spend: Spend.nullable().describe('What asking a model took; null: none was asked'),
})
export type Answer = z.infer<typeof Answer>

export const turnStates = ['waiting', 'working', 'answered', 'unanswered'] as const
export type TurnState = (typeof turnStates)[number]

/** One question and what became of it. */
export type Turn = {
  /** From 1, in the order they are answered. */ number: number
  askedBy: { personId: string; name: string }
  text: string
  /** False: no model was to be asked. */ model: boolean
  askedAt: Date
  state: TurnState
  answer: Answer | null
  answeredAt: Date | null
  /** Why it was not answered. */ error: string | null
  /** The first of its steps among those of the thread; null: it was not begun. */ firstStep: number | null
}

export type Thread = {
  id: string
  /** The incident it is about; null: all there is. */ incidentId: string | null
  owner: { personId: string; name: string }
  channel: Channel
  createdAt: Date
}
