/**
 * The scan a report tells of: when, by whom, of what. The same report about the same target is the same scan.
 * A time of zero (0001-01-01, 1970-01-01) is none. Pure.
 */
import { createHash } from 'node:crypto'
import { canonicalJson } from '../domain/canonical-json.ts'
import { parseEventTime } from '../domain/event-time.ts'
import type { NewScan } from '../domain/finding.ts'
import type { Report, SourceContext } from './collector.ts'

type Said = Pick<NewScan, 'scanner' | 'version' | 'target' | 'covers'> & { time?: string | null | undefined }

export function scanOf(report: Report, source: SourceContext, { time, ...said }: Said): NewScan {
  const at = parseEventTime(time ?? '') ?? 0n
  return {
    scope: source.scope,
    ...said,
    contentKey: createHash('sha256')
      .update(canonicalJson([report.sha256, source.scope, said.scanner, said.target.key]))
      .digest('hex'),
    observedNs: at > 0n ? at : source.receivedNs,
    observedFrom: at > 0n ? 'report' : 'received',
  }
}
