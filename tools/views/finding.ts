/** Findings as tools tell them: one row to choose by, and whether its package is in use. */
import { z } from 'zod'
import { formatEventTime } from '../../domain/event-time.ts'
import { FindingClass } from '../../domain/finding.ts'
import { type InUse, inUseText } from '../../domain/in-use.ts'
import { Severity } from '../../domain/severity.ts'
import { findingStatuses } from '../../store/finding-life.ts'
import type { Finding } from '../../store/finding-search.ts'
import { Quoted, quote, quoteOrNull } from '../quoted.ts'

/** One moment, or a stretch of two, to the minute. */
export const Minute = z.string().regex(/^\d{4}-/)

export const FindingRow = z.object({
  id: z.string(),
  check: Quoted.describe('CVE, or the scanner’s id of the check'),
  title: Quoted,
  class: FindingClass,
  severity: Severity.nullable().describe('Null: no scanner gives one'),
  status: z.enum(findingStatuses),
  on: Quoted.describe('The resource, with its kind'),
  namespace: Quoted.nullable(),
  package: Quoted.nullable(),
  use: Quoted.nullable().describe('Whether its package was seen in use; null: it is of no package in an image'),
  lastSeen: Minute.describe('By the scans’ own times'),
})

export const findingRow = (finding: Finding, use: InUse | undefined): z.infer<typeof FindingRow> => ({
  id: finding.id,
  check: quote(finding.check, 60),
  title: quote(finding.title, 80),
  class: finding.class,
  severity: finding.severity,
  status: finding.status,
  on: quote(`${finding.resource.kind} ${finding.resource.name === '' ? finding.resource.key : finding.resource.name}`, 100),
  namespace: quoteOrNull(finding.resource.namespace, 63),
  package: quoteOrNull(finding.package?.name, 60),
  use: use === undefined ? null : quote(inUseText(use), 120),
  lastSeen: minuteOf(finding.lastNs),
})

export const minuteOf = (ns: bigint): string => `${formatEventTime(ns).slice(0, 16)}Z`
