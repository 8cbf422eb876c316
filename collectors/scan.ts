/**
 * The scan a report tells of: when, by whom, of what. The same report about the same target is the same scan.
 * A time of zero (0001-01-01, 1970-01-01) is none. Pure.
 */
import { parseEventTime } from '../domain/event-time.ts'
import type { NewScan } from '../domain/finding.ts'
import type { Report, SourceContext } from './collector.ts'
import { scanKey } from './resources.ts'

type Said = Pick<NewScan, 'scanner' | 'version' | 'target' | 'covers'> & { time?: string | null | undefined }

export function scanOf(report: Report, source: SourceContext, { time, ...said }: Said): NewScan {
  const at = parseEventTime(time ?? '') ?? 0n
  return {
    scope: source.scope,
    ...said,
    contentKey: scanKey(report.sha256, source.scope, `${said.scanner} ${said.target.key}`),
    observedNs: at > 0n ? at : source.receivedNs,
    observedFrom: at > 0n ? 'report' : 'received',
  }
}
