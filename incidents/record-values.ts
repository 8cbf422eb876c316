/** Every value that one record holds where a claim may quote from, by the path that reads it: what a quoted value is looked up in. */
import type { EvidenceRef } from '../domain/evidence.ts'
import { lastHeard, type RecordReader } from './grounding.ts'
import { alertField, decisionField, entityField, findingField, incidentField, stepField, stepId } from './record-field.ts'

export type RecordValue = { path: string; value: string }
/** A record by its own identity, with all it holds. */
export type CitedRecord = { record: EvidenceRef['record']; id: string; values: RecordValue[] }

const paths = {
  alert: [
    'rule',
    'priority',
    'eventTime',
    'pod',
    'process.cmdline',
    'process.name',
    'process.parentName',
    'process.user',
    'container.id',
    'container.image',
    'hostname',
    'file',
    'connection.serverIp',
    'connection.serverPort',
  ],
  entity: ['pod', 'name', 'namespace', 'kind', 'key'],
  finding: [
    'check',
    'title',
    'class',
    'severity',
    'status',
    'package',
    'version',
    'fixedIn',
    'resource',
    'paths',
    'kev',
    'epss',
    'cvss',
    'remediation',
  ],
  step: ['because', 'precondition', 'technique', 'technique.name', 'fix'],
  incident: ['shortId', 'alertCount', 'severity', 'severityFloor', 'state', 'title', 'scope', 'firstTime', 'lastTime'],
} as const
/** Of what others wrote, no more than this is looked through. */
const mostLeaves = 400

const held = (names: readonly string[], read: (path: string) => string | null): RecordValue[] =>
  names.flatMap((path) => {
    const value = read(path)
    return value === null || value === '' ? [] : [{ path, value }]
  })

/** Undefined: there is no such record. */
export async function readRecord(record: EvidenceRef['record'], id: string, reader: RecordReader): Promise<CitedRecord | undefined> {
  switch (record) {
    case 'alert': {
      const alert = await reader.alert(id)
      const own = (): string[] => Object.keys(alert?.fields ?? {}).map((name) => `fields.${name}`)
      return alert && { record, id: alert.id, values: held([...paths.alert, ...own().slice(0, mostLeaves)], (at) => alertField(alert, at)) }
    }
    case 'entity': {
      const entity = await reader.entity(id)
      const leaves = (): string[] => leavesOf(entity?.properties, 'properties').slice(0, mostLeaves)
      return entity && { record, id: String(entity.id), values: held([...paths.entity, ...leaves()], (at) => entityField(entity, at)) }
    }
    case 'finding': {
      const finding = await reader.finding(id)
      return finding && { record, id: finding.id, values: held(paths.finding, (at) => findingField(finding, at)) }
    }
    case 'step': {
      const step = await reader.step(id)
      return step && { record, id: stepId(step), values: held(paths.step, (at) => stepField(step, at)) }
    }
    case 'incident': {
      const incident = await reader.incident(id)
      return incident && { record, id: incident.id, values: held(paths.incident, (at) => incidentField(incident, at)) }
    }
    case 'decision': {
      const decision = await reader.decision(id)
      return (
        decision && {
          record,
          id: decision.id,
          values: held(['reason', 'text', 'verdict', 'decidedAt'], (at) => decisionField(decision, at)),
        }
      )
    }
    case 'proposal':
    case 'fix':
    case 'rule': {
      const found = await reader.fielded(record, id)
      return found && { record, id: found.id, values: held(Object.keys(found.fields), (at) => found.fields[at] ?? null) }
    }
    case 'coverage': {
      const coverage = await reader.coverage(id)
      return (
        coverage && {
          record,
          id: coverage.name,
          values: [
            { path: 'lastSeenAt', value: lastHeard(coverage) },
            { path: 'name', value: coverage.name },
          ],
        }
      )
    }
  }
}

/** Paths of what is no object; names with a dot in them cannot be read by path and are left out. */
function leavesOf(value: unknown, at: string, depth = 0): string[] {
  if (value === null || typeof value !== 'object') return [at]
  if (depth > 6 || value instanceof Date) return []
  return Object.entries(value).flatMap(([name, inner]) => (name.includes('.') ? [] : leavesOf(inner, `${at}.${name}`, depth + 1)))
}
