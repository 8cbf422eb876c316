/** How the API shows a finding, who says so, and what people decided. */
import { z } from 'zod'
import type { NewAdvisory } from '../../../../domain/advisory.ts'
import { formatEventTime } from '../../../../domain/event-time.ts'
import { FindingClass, Outcome } from '../../../../domain/finding.ts'
import type { InUse } from '../../../../domain/in-use.ts'
import { Severity } from '../../../../domain/severity.ts'
import { findingStatuses } from '../../../../store/finding-life.ts'
import type { Finding, FindingWitness } from '../../../../store/finding-search.ts'
import { InUseView, inUseView } from './baseline.ts'
import { date, time } from './fields.ts'

export const FindingView = z.object({
  id: z.string(),
  scope: z.string().describe('"global": named the same everywhere'),
  class: FindingClass,
  check: z.string(),
  aliases: z.array(z.string()),
  title: z.string(),
  severity: Severity.nullable().describe('Null: no scanner gives one'),
  status: z.enum(findingStatuses),
  statusSince: time.describe('By the scans’ own times'),
  reopened: z.boolean().describe('It was gone in between'),
  resource: z.object({ kind: z.string(), key: z.string(), name: z.string(), namespace: z.string().nullable() }),
  package: z.object({ key: z.string(), name: z.string() }).nullable(),
  firstSeenAt: time,
  lastSeenAt: time,
  suppressedUntil: date.nullable(),
  scanners: z.array(z.string()).describe('Who saw it'),
  use: InUseView.nullable().describe('Whether its package is in use; null: it is of no package in an image'),
})
export const findingView = ({ statusNs, firstNs, lastNs, ...finding }: Finding, use: InUse | undefined): z.infer<typeof FindingView> => ({
  ...finding,
  use: inUseView(use),
  statusSince: formatEventTime(statusNs),
  firstSeenAt: formatEventTime(firstNs),
  lastSeenAt: formatEventTime(lastNs),
})

export const WitnessView = z.object({
  scanner: z.string(),
  version: z.string().nullable(),
  scope: z.string(),
  target: z.string(),
  firstSeenAt: time,
  lastSeenAt: time,
  outcome: Outcome,
  outcomeReason: z.string().nullable(),
  severity: Severity.nullable(),
  title: z.string(),
  paths: z.array(z.string()),
  description: z.string().nullable(),
  remediation: z.string().nullable(),
  references: z.array(z.string()),
  cvss: z.object({ version: z.string(), score: z.number(), vector: z.string().nullable() }).nullable(),
  package: z.object({ name: z.string(), version: z.string().nullable(), type: z.string(), fixedIn: z.array(z.string()) }).nullable(),
  properties: z.record(z.string(), z.unknown()),
})
export const witnessView = ({ data, firstNs, lastNs, ...witness }: FindingWitness): z.infer<typeof WitnessView> => ({
  ...witness,
  ...data,
  firstSeenAt: formatEventTime(firstNs),
  lastSeenAt: formatEventTime(lastNs),
})

export const DecisionOnFinding = z.object({
  id: z.string(),
  at: date,
  by: z.string(),
  decision: z.enum(['suppress', 'unsuppress']),
  reason: z.string(),
  until: date.nullable(),
})

export const AdvisoryView = z.object({
  list: z.enum(['kev', 'epss']),
  cve: z.string(),
  snapshot: z.string().describe('The list’s own date or version'),
  facts: z.record(z.string(), z.unknown()),
})
export const advisoryView = ({ snapshotNs: _at, ...advisory }: NewAdvisory): z.infer<typeof AdvisoryView> => advisory
