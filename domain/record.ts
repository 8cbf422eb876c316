/** Everything a collector can say: one kind of record a line. A new kind is added here, in store/intake.ts and in a file of store/ of its own. */
import type { NewActivity } from './activity.ts'
import type { NewAdvisory } from './advisory.ts'
import type { NewAlert } from './alert.ts'
import { comesAlong, type NewAlias, type NewEntity, type NewRelation } from './entity.ts'
import type { NewFalcoRule } from './falco-rule.ts'
import type { NewFinding, NewScan, ScanEnd } from './finding.ts'

/** A message about the sensor itself (Falco's metrics snapshot, syscall event drop): feeds coverage, is no alert. */
export type NewInternal = {
  kind: 'internal'
  contentKey: string
  name: string
  eventNs: bigint | null
  hostname: string | null
  fields: Record<string, unknown>
  raw: Uint8Array
}

export type NewRecord =
  | { kind: 'alert'; alert: NewAlert }
  | NewInternal
  | { kind: 'activity'; activity: NewActivity }
  | { kind: 'finding'; finding: NewFinding }
  /** Once a report, after all its findings. */
  | { kind: 'scan'; scan: NewScan; end: ScanEnd }
  | { kind: 'entity'; entity: NewEntity }
  | { kind: 'relation'; relation: NewRelation }
  | { kind: 'alias'; alias: NewAlias }
  | { kind: 'advisory'; advisory: NewAdvisory }
  | { kind: 'falco-rule'; rule: NewFalcoRule }

export type RecordKind = NewRecord['kind']

/**
 * What a document is about, as opposed to what comes along with it: an alert that a detection of ours made of an audit event is counted as
 * that event. What was read is what was accepted, what was there already, and what could not be read.
 */
export function isCounted(record: NewRecord): boolean {
  switch (record.kind) {
    case 'alert':
      return record.alert.activityKey === null
    case 'entity':
      return !comesAlong.has(record.entity.kind)
    case 'relation':
    case 'alias':
    case 'scan':
      return false
    default:
      return true
  }
}
