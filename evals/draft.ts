/** Reports of analysts that are none: a draft with little in it, and a sentence that quotes one value of one record. */
import type { Analyst } from '../agent/analyst.ts'
import type { EvidenceRef } from '../domain/evidence.ts'
import { type Claim, type DraftReport, noModel } from '../domain/report.ts'
import type { CaseFile } from '../incidents/case-file.ts'
import { quote } from '../incidents/sentence-parts.ts'

/** An analyst that says only what `says` does, of a draft that is otherwise empty. */
export const drafting = (name: string, says: (file: CaseFile) => Partial<DraftReport>): Analyst => ({
  name,
  version: '1',
  byCode: true,
  analyse: async (file) => ({
    analyst: name,
    analystVersion: '1',
    verdict: 'unknown',
    confidence: 'low',
    severity: file.incident.severityFloor,
    summary: [],
    reasons: [],
    unusual: [],
    timeline: [],
    rootCause: [],
    rootCauses: file.rootCauses.length,
    fixFirst: [],
    blastRadius: [],
    unknowns: [],
    techniques: [],
    actions: [],
    ...noModel,
    ...says(file),
  }),
})

export const claimOn = (words: string, evidence: EvidenceRef): Claim => ({
  kind: evidence.record === 'coverage' ? 'absence' : 'observation',
  text: `${words}${evidence.value === null ? '' : quote(evidence.value)}.`,
  evidence: [evidence],
})
