/**
 * The contract of an analyst: a case file in, a draft report out. It reads what it is given and can change nothing.
 * Its draft is checked before a word of it is believed: a model may hand in anything.
 */
import { z } from 'zod'
import { InputError } from '../domain/errors.ts'
import { Claim, type DraftReport, RecommendedAction, Report } from '../domain/report.ts'
import type { CaseFile } from '../incidents/case-file.ts'

export interface Analyst {
  /** Named in every report: who wrote it. */
  readonly name: string
  readonly version: string
  analyse(file: CaseFile): Promise<DraftReport>
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
