/**
 * An investigation's report: sentences, each a claim with the records it stands on. Who wrote it is part of it.
 * A claim that grounding could not confirm is kept, as a judgement or a hypothesis, never as a fact.
 */
import { z } from 'zod'
import { EvidenceRef } from './evidence.ts'
import { Severity } from './severity.ts'
import { Spend } from './spend.ts'

/** OCSF verdict captions, the ones an analyst may suggest. */
export const Verdict = z.enum(['unknown', 'true_positive', 'suspicious', 'benign', 'false_positive', 'insufficient_data'])
export type Verdict = z.infer<typeof Verdict>

export const Claim = z.object({
  text: z.string().min(1),
  kind: z
    .enum(['observation', 'causal', 'absence', 'inference'])
    .describe('A causal claim must cite at least two records; absence cites coverage'),
  evidence: z.array(EvidenceRef),
})
export type Claim = z.infer<typeof Claim>

export const GroundedClaim = Claim.extend({
  grounded: z.boolean(),
  problems: z.array(z.string()).describe('Why it is not grounded, in words we wrote'),
})
export type GroundedClaim = z.infer<typeof GroundedClaim>

/** The one thing that can be wrong with a judgement: there was nothing in it to compare. */
export const nothingCompared = 'it tells no value of the records that it cites, so nothing in it was compared with them'
export const Standing = z
  .enum(['confirmed', 'judgement', 'hypothesis'])
  .describe('Confirmed: what it tells stands in its records. A judgement tells nothing of them. Of a hypothesis something does not hold')
export type Standing = z.infer<typeof Standing>
export const standingOf = ({ grounded, problems }: Pick<GroundedClaim, 'grounded' | 'problems'>): Standing =>
  grounded ? 'confirmed' : problems.length === 1 && problems[0] === nothingCompared ? 'judgement' : 'hypothesis'

/** How far these sentences are borne out, for people. Empty: there are none. */
export function checkedWords(claims: readonly Pick<GroundedClaim, 'grounded' | 'problems'>[]): string {
  const count = (wanted: Standing): number => claims.filter((claim) => standingOf(claim) === wanted).length
  const [judged, doubted] = [count('judgement'), count('hypothesis')]
  if (claims.length === 0) return ''
  if (judged + doubted === 0) return 'Every sentence was checked against the records it cites.'
  const parts = [
    ...(judged === 0 ? [] : [`${judged} marked as judgement (nothing was compared)`]),
    ...(doubted === 0 ? [] : [`${doubted} marked as hypothesis (not borne out by records)`]),
  ]
  return `${judged + doubted} of ${claims.length} sentences could not be confirmed: ${parts.join(', ')}.`
}

export const RecommendedAction = z.object({
  action: z.string().describe('Name in the response catalogue, e.g. kubernetes.isolate_pod'),
  entityId: z.string().nullable().describe('Inventory entity row id; null when no target could be resolved'),
  params: z.record(z.string(), z.unknown()),
  reason: z.string(),
  blocked: z.string().nullable().describe('Why it cannot be proposed, e.g. no inventory; null when it can'),
})
export type RecommendedAction = z.infer<typeof RecommendedAction>

export const Report = z.object({
  analyst: z.string().describe('"playbook" or "claude"'),
  analystVersion: z.string(),
  verdict: Verdict,
  confidence: z.enum(['low', 'medium', 'high']),
  severity: Severity.describe('Never below the incident’s floor'),
  summary: z.array(GroundedClaim),
  reasons: z.array(GroundedClaim).describe('Why this verdict'),
  unusual: z.array(GroundedClaim).describe('What was not like this before, as far back as alerts go'),
  timeline: z.array(GroundedClaim),
  rootCause: z.array(GroundedClaim).default([]).describe('What made it possible, the most likely first; empty: see what is not known'),
  rootCauses: z.number().int().default(0).describe('How many candidates there were; the best of them are told'),
  fixFirst: z.array(GroundedClaim).default([]).describe('What to change so that it cannot happen again, what helps most first'),
  blastRadius: z.array(GroundedClaim).default([]).describe('What whoever is there could take next'),
  unknowns: z.array(z.string()).describe('What was not observed, and since when'),
  techniques: z.array(z.object({ id: z.string(), tactic: z.string().nullable() })),
  actions: z.array(RecommendedAction),
  ungrounded: z.number().int().describe('Claims that are not confirmed: shown as judgements or hypotheses'),
  model: z.string().nullable().default(null).describe('The model that wrote it; null: none did'),
  prompt: z
    .object({ name: z.string(), version: z.string() })
    .nullable()
    .default(null)
    .describe('What the model was told, and the hash of its text'),
  partial: z.string().nullable().default(null).describe('Why it ended before it was done, and what stands here instead; null: it was done'),
  spend: Spend.nullable().default(null).describe('What asking the model took'),
})
export type Report = z.infer<typeof Report>
/** The parts of a report that are claims. */
export const claimParts = ['summary', 'reasons', 'unusual', 'timeline', 'rootCause', 'fixFirst', 'blastRadius'] as const
export type ClaimPart = (typeof claimParts)[number]
/** What an analyst writes before grounding. */
export type DraftReport = Omit<Report, ClaimPart | 'ungrounded'> & Record<ClaimPart, Claim[]>
/** Of a report that no model had a part in. */
export const noModel: Pick<Report, 'model' | 'prompt' | 'partial' | 'spend'> = { model: null, prompt: null, partial: null, spend: null }
