/**
 * The scan a report tells of: when, by whom, of what. The same report about the same target is the same scan.
 * A time of zero (0001-01-01, 1970-01-01) is none. Pure.
 */
import { createHash } from 'node:crypto'
import { parseEventTime } from '../domain/event-time.ts'
import type { NewScan } from '../domain/finding.ts'
import type { Report, SourceContext } from './collector.ts'

type Said = Pick<NewScan, 'scanner' | 'version' | 'target' | 'covers'> & { time?: string | null | undefined }

export function scanOf(report: Report, source: SourceContext, { time, ...said }: Said): NewScan {
  return {
    scope: source.scope,
    ...said,
    contentKey: scanKey(report.sha256, source.scope, `${said.scanner} ${said.target.key}`),
    ...observedAt(time, source),
  }
}

export const scanKey = (reportSha256: string, scope: string, targetKey: string): string =>
  createHash('sha256')
    .update(JSON.stringify([reportSha256, scope, targetKey]))
    .digest('hex')

/** When the report says it was written; of one that does not say, when we received it. */
export function observedAt(time: string | null | undefined, { receivedNs }: SourceContext): Pick<NewScan, 'observedNs' | 'observedFrom'> {
  const at = parseEventTime(time ?? '') ?? 0n
  return at > 0n ? { observedNs: at, observedFrom: 'report' } : { observedNs: receivedNs, observedFrom: 'received' }
}
