/** Cited records read again from the store, for grounding: those of many claims together, none from memory. What is no id at all is the id of nothing. */
import DataLoader from 'dataloader'
import { isId, isRowNumber } from '../domain/ids.ts'
import type { RecordReader } from './grounding.ts'
import { coverageOf } from './read-case.ts'
import { stepId } from './record-field.ts'
import { readFielded } from './record-fields.ts'
import { getAlerts } from '../store/alerts.ts'
import { getSteps, type StepKey } from '../store/attack-steps.ts'
import type { Queryable } from '../store/database.ts'
import { getEntities } from '../store/entities.ts'
import { getDecision } from '../store/decisions.ts'
import { getFindingFacts } from '../store/finding-facts.ts'
import { getIncident } from '../store/incidents.ts'

export function recordReader(db: Queryable): RecordReader {
  const options = { cache: false }
  const alerts = new DataLoader(async (ids: readonly string[]) => {
    const found = new Map((await getAlerts(db, ids)).map((alert) => [alert.id, alert]))
    return ids.map((id) => found.get(id.toLowerCase()))
  }, options)
  const entities = new DataLoader(async (ids: readonly string[]) => {
    const found = new Map((await getEntities(db, ids.filter(isRowNumber).map(BigInt))).map((entity) => [entity.id, entity]))
    return ids.map((id) => (isRowNumber(id) ? found.get(BigInt(id)) : undefined))
  }, options)
  const coverage = new DataLoader(async (names: readonly string[]) => {
    const sources = await coverageOf(db)
    return names.map((name) => sources.find((source) => source.name === name))
  }, options)
  const findings = new DataLoader(async (ids: readonly string[]) => {
    const found = new Map((await getFindingFacts(db, ids)).map((finding) => [finding.id, finding]))
    return ids.map((id) => found.get(id.toLowerCase()))
  }, options)
  const steps = new DataLoader(async (ids: readonly string[]) => {
    const found = new Map(
      (
        await getSteps(
          db,
          ids.flatMap((id) => stepKeyOf(id) ?? []),
        )
      ).map((step) => [stepId(step), step]),
    )
    return ids.map((id) => found.get(id))
  }, options)
  return {
    alert: async (id) => (isId(id) ? alerts.load(id) : undefined),
    entity: (id) => entities.load(id),
    decision: (id) => getDecision(db, id),
    coverage: (name) => coverage.load(name),
    finding: async (id) => (isId(id) ? findings.load(id) : undefined),
    step: (id) => steps.load(id),
    fielded: (record, id) => readFielded(db, record, id),
    incident: async (id) => (isId(id) ? getIncident(db, { id }) : undefined),
  }
}

/** Undefined: it is no step's id, as `stepId` writes them. */
function stepKeyOf(id: string): StepKey | undefined {
  const [, src = '', type = '', dst = ''] = /^([1-9]\d{0,18})\/([a-z][a-z0-9-]*)\/([1-9]\d{0,18})$/.exec(id) ?? []
  return isRowNumber(src) && isRowNumber(dst) ? { src: BigInt(src), type, dst: BigInt(dst) } : undefined
}
