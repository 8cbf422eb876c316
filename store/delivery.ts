/** A delivery: what one input brings, by kind, to be committed as a whole. Adding a kind of record begins in domain/record.ts. */
import type { NewActivity } from '../domain/activity.ts'
import type { NewAdvisory } from '../domain/advisory.ts'
import type { NewAlert } from '../domain/alert.ts'
import { comesAlong, type NewAlias, type NewEntity, type NewRelation } from '../domain/entity.ts'
import type { NewFalcoRule } from '../domain/falco-rule.ts'
import type { NewFinding, NewScan, ScanEnd } from '../domain/finding.ts'
import type { NewInternal, NewRecord } from '../domain/record.ts'
import type { PulledObject } from './pulls.ts'

export type InternalMessage = Omit<NewInternal, 'kind'>
/** What collectors say, by kind. */
export type Records = {
  alerts: NewAlert[]
  internals: InternalMessage[]
  activities: NewActivity[]
  findings: NewFinding[]
  scans: { scan: NewScan; end: ScanEnd }[]
  entities: NewEntity[]
  relations: NewRelation[]
  aliases: NewAlias[]
  advisories: NewAdvisory[]
  falcoRules: NewFalcoRule[]
}
export type Delivery = Records & {
  sourceId: string | null
  scope: string
  /** When its input began to come in: of a rules file, when it was loaded. */ receivedNs: bigint
  /** It came from where it was made, as it was made; else it is a file of any age. */ live: boolean
  /** It is inventory: only its entities may ever be the target of an action. */ inventory: boolean
  deadLetters: { at: string; reason: string; bytes: Uint8Array }[]
  /** Objects of a cluster that these records were read from: known as read once all of it is committed, never before. */ pulled: PulledObject[]
}

/** A delivery of nothing yet. */
export const emptyDelivery = (
  from: Pick<Delivery, 'sourceId' | 'scope'> & Partial<Pick<Delivery, 'receivedNs' | 'live' | 'inventory'>>,
): Delivery => ({
  receivedNs: 0n,
  live: false,
  inventory: false,
  ...from,
  alerts: [],
  internals: [],
  activities: [],
  findings: [],
  scans: [],
  entities: [],
  relations: [],
  aliases: [],
  advisories: [],
  falcoRules: [],
  deadLetters: [],
  pulled: [],
})
/** In the order they are written. */
export const kinds = [
  'alerts',
  'internals',
  'activities',
  'entities',
  'relations',
  'aliases',
  'advisories',
  'falcoRules',
  'findings',
  'scans',
] as const satisfies (keyof Records)[]

/** Puts a record where its kind belongs. */
export function addRecord(delivery: Delivery, record: NewRecord): void {
  switch (record.kind) {
    case 'alert':
      return void delivery.alerts.push(record.alert)
    case 'internal':
      return void delivery.internals.push(record)
    case 'activity':
      return void delivery.activities.push(record.activity)
    case 'finding':
      return void delivery.findings.push(record.finding)
    case 'scan':
      return void delivery.scans.push(record)
    case 'entity':
      return void delivery.entities.push(record.entity)
    case 'relation':
      return void delivery.relations.push(record.relation)
    case 'alias':
      return void delivery.aliases.push(record.alias)
    case 'advisory':
      return void delivery.advisories.push(record.advisory)
    case 'falco-rule':
      return void delivery.falcoRules.push(record.rule)
  }
}

export const isOwnRecord = ({ activityKey }: NewAlert): boolean => activityKey === null

/** See `isCounted` of domain/record.ts. */
export const countRecords = (delivery: Delivery): number =>
  delivery.alerts.filter(isOwnRecord).length +
  delivery.internals.length +
  delivery.entities.filter(({ kind }) => !comesAlong.has(kind)).length +
  delivery.activities.length +
  delivery.findings.length +
  delivery.advisories.length +
  delivery.falcoRules.length
