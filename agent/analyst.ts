/** The contract of an analyst: a case file in, a draft report out. It reads what it is given and can change nothing. */
import type { DraftReport } from '../domain/report.ts'
import type { CaseFile } from '../incidents/case-file.ts'

export interface Analyst {
  /** Named in every report: who wrote it. */
  readonly name: string
  readonly version: string
  analyse(file: CaseFile): Promise<DraftReport>
}
