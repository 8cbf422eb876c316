/** A cited record as it stands now, and every value that it holds where a claim may quote from, by the path that reads it. */
import type { Alert } from '../domain/alert.ts'
import type { EvidenceRef } from '../domain/evidence.ts'
import type { RecordReader } from './grounding.ts'
import { alertField, coverageField, decisionField, entityField, findingField, incidentField, stepField, stepId } from './record-field.ts'

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
    'scope',
  ],
  entity: ['pod', 'name', 'namespace', 'kind', 'key', 'scope'],
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
    'scope',
  ],
  step: ['because', 'precondition', 'technique', 'technique.name', 'fix', 'scope'],
  incident: ['shortId', 'alertCount', 'severity', 'severityFloor', 'state', 'title', 'scope', 'firstTime', 'lastTime'],
  decision: ['kind', 'reason', 'text', 'verdict', 'decidedAt'],
  coverage: ['lastSeenAt', 'name', 'scope'],
} as const
/** Of what others wrote, no more than this is looked through. */
const mostLeaves = 400

/** As it stands now, by its own identity: what it holds at a path, and the paths at which it may hold something. `scope` null: of no one cluster or account. */
type OpenRecord = { id: string; scope: string | null; at(path: string): string | null; paths(): readonly string[] }

/** The one way to a cited record, with which claims are both written and checked. Undefined: there is no such record. */
export async function openRecord(record: EvidenceRef['record'], id: string, reader: RecordReader): Promise<OpenRecord | undefined> {
  switch (record) {
    case 'alert': {
      const alert = await reader.alert(id)
      const own = (of: Alert): string[] => Object.keys(of.fields).map((name) => `fields.${name}`)
      return (
        alert && {
          id: alert.id,
          scope: alert.scope,
          at: (path) => alertField(alert, path),
          paths: () => [...paths.alert, ...own(alert).slice(0, mostLeaves)],
        }
      )
    }
    case 'entity': {
      const entity = await reader.entity(id)
      return (
        entity && {
          id: String(entity.id),
          scope: entity.scope,
          at: (path) => entityField(entity, path),
          paths: () => [...paths.entity, ...leavesOf(entity.properties, 'properties').slice(0, mostLeaves)],
        }
      )
    }
    case 'finding': {
      const finding = await reader.finding(id)
      return finding && { id: finding.id, scope: finding.scope, at: (path) => findingField(finding, path), paths: () => paths.finding }
    }
    case 'step': {
      const step = await reader.step(id)
      return step && { id: stepId(step), scope: step.scope, at: (path) => stepField(step, path), paths: () => paths.step }
    }
    case 'incident': {
      const incident = await reader.incident(id)
      return (
        incident && { id: incident.id, scope: incident.scope, at: (path) => incidentField(incident, path), paths: () => paths.incident }
      )
    }
    case 'decision': {
      const decision = await reader.decision(id)
      return decision && { id: decision.id, scope: null, at: (path) => decisionField(decision, path), paths: () => paths.decision }
    }
    case 'coverage': {
      const coverage = await reader.coverage(id)
      return (
        coverage && { id: coverage.name, scope: coverage.scope, at: (path) => coverageField(coverage, path), paths: () => paths.coverage }
      )
    }
    case 'proposal':
    case 'fix':
    case 'rule': {
      const found = await reader.fielded(record, id)
      return (
        found && {
          id: found.id,
          // A rule is read as it is loaded in a cluster; the others say where they are of in their own words.
          scope: found.fields.cluster ?? null,
          at: (path) => (Object.hasOwn(found.fields, path) ? (found.fields[path] ?? null) : null),
          paths: () => Object.keys(found.fields),
        }
      )
    }
  }
}

/** Undefined: there is no such record. */
export async function readRecord(record: EvidenceRef['record'], id: string, reader: RecordReader): Promise<CitedRecord | undefined> {
  const found = await openRecord(record, id, reader)
  if (found === undefined) return undefined
  const values = found.paths().flatMap((path) => {
    const value = found.at(path)
    return value === null || value === '' ? [] : [{ path, value }]
  })
  return { record, id: found.id, values }
}

/** Paths of what is no object; names with a dot in them cannot be read by path and are left out. */
function leavesOf(value: unknown, at: string, depth = 0): string[] {
  if (value === null || typeof value !== 'object') return [at]
  if (depth > 6 || value instanceof Date) return []
  return Object.entries(value).flatMap(([name, inner]) => (name.includes('.') ? [] : leavesOf(inner, `${at}.${name}`, depth + 1)))
}
