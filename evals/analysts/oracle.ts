import type { Alert } from '../../domain/alert.ts'
import type { EvidenceRef } from '../../domain/evidence.ts'
import type { RecommendedAction } from '../../domain/report.ts'
import type { CaseFile } from '../../incidents/case-file.ts'
import { alertField, entityField, findingField, stepField, stepId } from '../../incidents/record-field.ts'
import { drafting, claimOn } from '../draft.ts'
import { isFact } from '../exam.ts'
import type { ExamAnalyst } from '../exam-analyst.ts'
import type { Deed, Fact } from '../truth.ts'

/** Knows the truth and writes it down, from records of the case alone: what it cannot satisfy, no analyst could. */
export const oracle: ExamAnalyst = {
  name: 'oracle',
  about: 'writes what is true, from records of the case: shows that every grader can be satisfied',
  open: async ({ world: { scenario }, names }) =>
    drafting('oracle', (file) => {
      const { truth } = scenario
      const claims = (facts: readonly Fact[]) =>
        facts.flatMap((fact) => recordOf(file, fact) ?? []).map((one) => claimOn('It shows in ', one))
      return {
        verdict: truth.verdicts[0] ?? 'unknown',
        confidence: 'high',
        summary: [...claims(truth.decisive), ...named(file, truth.entities, names)],
        rootCause: claims(truth.rootCause ?? []),
        unknowns: truth.unknowns.map(({ example }) => example),
        techniques: truth.techniques.map((id) => ({ id, tactic: null })),
        actions: truth.actions.required.flatMap((deed) => asked(deed, names)),
      }
    }),
}

function named(file: CaseFile, wanted: readonly { kind: string; name: string }[], names: ReadonlyMap<string, string>) {
  return wanted.flatMap(({ kind, name }) => {
    const entity = file.entities.find((one) => names.get(one.id.toString()) === `${kind}/${name}`)
    if (entity !== undefined)
      return [claimOn('It was in ', { record: 'entity', id: entity.id.toString(), path: 'name', value: entity.name })]
    const cited = file.alerts.flatMap(({ alert }) => everyValue(alert).filter(({ value }) => value?.includes(name) === true))
    return cited.slice(0, 1).map((one) => claimOn('It came from ', one))
  })
}

const asked = ({ action, target }: Deed, names: ReadonlyMap<string, string>): RecommendedAction[] => {
  const [entityId] = [...names].find(([, name]) => name === target) ?? []
  return entityId === undefined ? [] : [{ action, entityId, params: {}, reason: 'It is right.', blocked: null }]
}

const everyValue = (alert: Alert): EvidenceRef[] =>
  [...Object.keys(alert.fields).map((field) => `fields.${field}`), 'connection.serverIp'].map((path) => ({
    record: 'alert',
    id: alert.id,
    path,
    value: alertField(alert, path),
  }))

/** The record of the case that a fact is about; undefined: the case does not hold it. */
function recordOf(file: CaseFile, fact: Fact): EvidenceRef | undefined {
  const path = fact.path ?? null
  const at = (record: EvidenceRef['record'], id: string, value: string | null): EvidenceRef => ({ record, id, path, value })
  const all: Record<Fact['record'], () => EvidenceRef[]> = {
    alert: () => file.alerts.map(({ alert }) => at('alert', alert.id, path === null ? null : alertField(alert, path))),
    entity: () => file.entities.map((one) => at('entity', one.id.toString(), path === null ? null : entityField(one, path))),
    finding: () =>
      file.posture.findings.map(({ finding }) => at('finding', finding.id, path === null ? null : findingField(finding, path))),
    step: () =>
      [...file.posture.steps.map(({ step }) => step), ...file.posture.waysIn.flat(), ...file.posture.reached.map(({ by }) => by)].map(
        (step) => at('step', stepId(step), path === null ? null : stepField(step, path)),
      ),
    coverage: () =>
      file.coverage.map(({ name, lastSeenAt }): EvidenceRef => ({
        record: 'coverage',
        id: name,
        path: 'lastSeenAt',
        value: lastSeenAt?.toISOString() ?? 'never',
      })),
  }
  return all[fact.record]().find((one) => isFact(fact, one))
}
