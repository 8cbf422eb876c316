/**
 * The contract of an analyst: a case file in, a draft report out. It reads what it is given and can change nothing.
 * Its draft is checked before a word of it is believed: a model may hand in anything.
 */
import { z } from 'zod'
import type { NewStep } from '../domain/analyst-step.ts'
import { FalconerError, InputError } from '../domain/errors.ts'
import { Claim, type ClaimPart, type DraftReport, RecommendedAction, Report } from '../domain/report.ts'
import type { CaseFile } from '../incidents/case-file.ts'
import type { Hands } from './hands.ts'

export interface Analyst {
  /** Named in every report: who wrote it. */
  readonly name: string
  readonly version: string
  /** Its sentences are code's: what they conclude was decided when they were written. Not there: a model's, which have to tell what they stand on. */
  readonly byCode?: true
  analyse(file: CaseFile, desk: Desk): Promise<DraftReport>
  /** One chance to mend what records do not bear out; what still does not hold is a hypothesis. */
  mend?(draft: DraftReport, doubts: readonly Doubt[], desk: Desk): Promise<DraftReport>
}

/** What an analyst works with, beside the case. */
export type Desk = {
  /** Names its checkpoints, steps and calls: the same again after a crash. */
  investigationId: string
  /** The tools of MCP, as an IDE has them, over a transport within this process. */
  hands(): Promise<Hands>
  tell(step: NewStep): Promise<void>
  signal: AbortSignal
}
/** A claim that did not hold, and why, in words of ours. */
export type Doubt = { part: ClaimPart; at: number; text: string; problems: string[] }

/** The analyst could not finish: what it was asked and what that took are kept, and the playbook's answer stands in for its own. */
export class AnalystStopped extends FalconerError {
  readonly asked: Pick<Report, 'model' | 'prompt' | 'spend'>
  /** `reason`: a whole sentence of ours. */
  constructor(reason: string, asked: Pick<Report, 'model' | 'prompt' | 'spend'>, options?: ErrorOptions) {
    super('stopped', reason, options)
    this.asked = asked
  }
}

const claims = z.array(Claim.extend({ text: Claim.shape.text.max(10_000), evidence: Claim.shape.evidence.max(100) })).max(1_000)
const Draft = Report.omit({ ungrounded: true }).extend({
  summary: claims,
  reasons: claims,
  unusual: claims.default([]),
  timeline: claims,
  rootCause: claims.default([]),
  fixFirst: claims.default([]),
  blastRadius: claims.default([]),
  unknowns: z.array(z.string().max(10_000)).max(200),
  actions: z.array(RecommendedAction.extend({ reason: z.string().max(2_000) })).max(200),
})

/** The draft in its shape, signed with who really wrote it, whatever it says of itself. Throws InputError. */
export function checkedDraft(analyst: Analyst, draft: unknown): DraftReport {
  const parsed = Draft.safeParse(draft)
  if (parsed.success) return { ...parsed.data, analyst: analyst.name, analystVersion: analyst.version }
  const [problem] = parsed.error.issues
  throw new InputError(
    `The analyst’s report cannot be used: ${problem?.path.join('.') || 'report'}: ${problem?.message ?? 'it is not a report'}`,
  )
}
