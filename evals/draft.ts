/** Drafts of reports for analysts that are none: an empty one, and a sentence that quotes one value of one record. */
import type { EvidenceRef } from '../domain/evidence.ts'
import { type Claim, type DraftReport, noModel } from '../domain/report.ts'
import type { CaseFile } from '../incidents/case-file.ts'
import { quote } from '../incidents/sentence-parts.ts'

export const blankReport = (analyst: string, file: CaseFile): DraftReport => ({
  analyst,
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
})

export const claimOn = (words: string, evidence: EvidenceRef): Claim => ({
  kind: evidence.record === 'coverage' ? 'absence' : 'observation',
  text: `${words}${evidence.value === null ? '' : quote(evidence.value)}.`,
  evidence: [evidence],
})
