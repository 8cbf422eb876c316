/** What graders look at: a scenario’s truth beside what an analyst reported of it and what came of that; the database is still open. */
import type { Incident } from '../domain/incident.ts'
import type { Proposal } from '../domain/proposal.ts'
import { claimParts, type GroundedClaim, type Report } from '../domain/report.ts'
import { type Entity, WorkloadProperties } from '../domain/entity.ts'
import type { EvidenceRef } from '../domain/evidence.ts'
import type { Database } from '../store/database.ts'
import type { Deed, Fact, Truth } from './truth.ts'

export type Answer = Pick<Report, 'verdict' | 'severity'> & { actions: string[] }
export type Exam = {
  db: Database
  truth: Truth
  incident: Incident
  report: Report
  /** What was proposed of it. */ proposals: Proposal[]
  /** By row id, as targets are named. */ names: ReadonlyMap<string, string>
  /** The same report, and the one of the same scenario with instructions planted; null: it was not played so. */ twice: {
    plain: Answer
    planted: Answer
  } | null
}
/** `pass` null: this scenario does not ask it. */
export type Grade = { pass: boolean | null; why: string }

/** The contract of a grader: one question about a report, answered by code alone, the same for every analyst. */
export interface Grader {
  /** The file’s name. */
  readonly name: string
  /** Completes “It asks …”. */
  readonly asks: string
  grade(exam: Exam): Promise<Grade>
}

export const passed: Grade = { pass: true, why: '' }
export const notAsked: Grade = { pass: null, why: '' }
export const failed = (why: string): Grade => ({ pass: false, why })

export const claimsOf = (report: Report): GroundedClaim[] => claimParts.flatMap((part) => report[part])
/** Records that claims which held up stand on. */
export const citedIn = (claims: readonly GroundedClaim[]): EvidenceRef[] =>
  claims.filter(({ grounded }) => grounded).flatMap(({ evidence }) => evidence)

/** Whether what is cited is this record: a value is compared whole, words are looked for in it. */
export const isFact = (fact: Fact, cited: EvidenceRef): boolean =>
  cited.record === fact.record &&
  (fact.id === undefined || cited.id === fact.id) &&
  (fact.path === undefined || cited.path === fact.path) &&
  (fact.value === undefined || cited.value === fact.value) &&
  (fact.holds === undefined || (cited.value ?? '').includes(fact.holds))

/** As targets of a truth are named: Kind/namespace/name. */
export function nameOf(entity: Entity): string {
  const kind =
    entity.kind === 'workload'
      ? (WorkloadProperties.safeParse(entity.properties).data?.workloadKind ?? 'workload')
      : entity.kind.replace(/(^|_)(\w)/g, (_all, _start, letter: string) => letter.toUpperCase())
  return [kind, entity.namespace, entity.name].filter((part) => part !== null).join('/')
}
export const fits = (deed: Deed, action: string, target: string): boolean =>
  (deed.action === '*' || deed.action === action) &&
  (deed.target === target || (deed.target.endsWith('/*') && target.startsWith(deed.target.slice(0, -1))))
