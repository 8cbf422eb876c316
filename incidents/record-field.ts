/**
 * Reading one field of a stored record by its path, as text: the one function with which claims are both written
 * and checked. Paths: `rule`, `priority`, `eventTime`, `hostname`, `container.id`, `pod`, `fields.<Falco field>` of an
 * alert; `name`, `namespace`, `key`, `kind`, `properties.<path>` of an entity; `check`, `package`, `fixedIn`, … of a finding; `because`, … of a step;
 * `alertCount`, … of an incident; `verdict`, `reason`, `decidedAt` of a decision; `scope`, the cluster or account, of what is of one.
 */
import type { Alert } from '../domain/alert.ts'
import type { Entity } from '../domain/entity.ts'
import { formatEventTime } from '../domain/event-time.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { AttackStep } from '../domain/graph.ts'
import { shortId } from '../domain/ids.ts'
import type { Incident, RecordedDecision } from '../domain/incident.ts'
import type { StepKey } from '../store/attack-steps.ts'
import type { FindingFacts } from '../store/finding-facts.ts'
import type { Coverage } from './case-file.ts'

export function alertField(alert: Alert, path: string): string | null {
  if (path.startsWith('fields.')) return asText(own(alert.fields, path.slice('fields.'.length)))
  switch (path) {
    case 'rule':
      return alert.rule
    case 'scope':
      return alert.scope
    case 'priority':
      return alert.priority
    case 'eventTime':
      return formatEventTime(alert.eventNs)
    case 'hostname':
      return alert.hostname
    case 'container.id':
      return alert.container?.id ?? null
    case 'container.image':
      return alert.container?.image ?? null
    case 'pod':
      return alert.pod === null ? null : `${alert.pod.namespace}/${alert.pod.name}`
    case 'process.name':
      return alert.process?.name ?? null
    case 'process.cmdline':
      return alert.process?.cmdline ?? null
    case 'process.parentName':
      return alert.process?.parentName ?? null
    case 'process.user':
      return alert.process?.user ?? null
    case 'file':
      return alert.file
    case 'connection.serverIp':
      return alert.connection?.serverIp ?? null
    case 'connection.serverPort':
      return asText(alert.connection?.serverPort)
    default:
      return null
  }
}

export function entityField(entity: Entity, path: string): string | null {
  switch (path) {
    case 'name':
      return entity.name
    case 'namespace':
      return entity.namespace
    case 'key':
      return entity.key
    case 'kind':
      return entity.kind
    case 'scope':
      return entity.scope
    case 'pod':
      return `${entity.namespace}/${entity.name}`
    default: {
      if (!path.startsWith('properties.')) return null
      let at: unknown = entity.properties
      for (const part of path.slice('properties.'.length).split('.')) at = own(at, part)
      return asText(at)
    }
  }
}

export function findingField(finding: FindingFacts, path: string): string | null {
  switch (path) {
    case 'check':
    case 'scope':
    case 'class':
    case 'title':
    case 'severity':
    case 'status':
    case 'remediation':
    case 'kev':
      return finding[path]
    case 'epss':
      return finding.epss === null ? null : String(finding.epss)
    case 'cvss':
      return finding.cvss === null ? null : String(finding.cvss.score)
    case 'resource':
      return finding.resource.name
    case 'package':
      return finding.package?.name ?? null
    case 'version':
      return finding.package?.version ?? null
    case 'fixedIn':
      return finding.package === null || finding.package.fixedIn.length === 0 ? null : finding.package.fixedIn.join(', ')
    case 'paths':
      return finding.paths.length === 0 ? null : finding.paths.join(', ')
    default:
      return null
  }
}

export const stepId = ({ src, type, dst }: StepKey): string => `${src}/${type}/${dst}`
export function stepField(step: AttackStep, path: string): string | null {
  switch (path) {
    case 'because':
    case 'precondition':
    case 'scope':
      return step[path]
    case 'technique':
      return step.technique.id
    case 'technique.name':
      return step.technique.name
    case 'fix':
      return step.fix?.text ?? null
    default:
      return null
  }
}

export function incidentField(incident: Incident, path: string): string | null {
  switch (path) {
    case 'shortId':
      return shortId('incident', incident.id)
    case 'alertCount':
      return String(incident.alertCount)
    case 'severity':
    case 'severityFloor':
    case 'state':
    case 'title':
    case 'scope':
      return incident[path]
    case 'firstTime':
      return formatEventTime(incident.firstNs)
    case 'lastTime':
      return formatEventTime(incident.lastNs)
    default:
      return null
  }
}

export function decisionField({ at, reason, decision }: RecordedDecision, path: string): string | null {
  switch (path) {
    case 'reason':
      return reason
    case 'decidedAt':
      return at.toISOString()
    case 'kind':
      return decision.kind
    case 'text':
      return decision.kind === 'note' ? decision.text : null
    case 'verdict':
      return decision.kind === 'verdict' ? decision.verdict : null
    default:
      return null
  }
}

export const lastHeard = ({ lastSeenAt }: Coverage): string => lastSeenAt?.toISOString() ?? 'never'
export const coverageField = (coverage: Coverage, path: string): string | null =>
  path === 'lastSeenAt' ? lastHeard(coverage) : path === 'name' || path === 'scope' ? coverage[path] : null

/** What the record itself holds; never what every object has. */
const own = (value: unknown, name: string): unknown =>
  value !== null && typeof value === 'object' && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined

function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? value : stringifyExact(value)
}
