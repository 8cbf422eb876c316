/**
 * OCSF findings of any producer but Prowler alone (that is its own collector): lists, wrappers, EventBridge events, lines. Detections (2004)
 * are alerts; vulnerabilities (2002) and results of checks (2003) are findings; Security Findings (2001) are either. Other classes, API
 * activity (6003) among them, are counted and skipped. What a list leaves out is not fixed. Content key: of a scan, SHA-256 over the report,
 * scope, product and account; of a finding, class, check, resource and package; of an alert, scope, product, finding and time.
 */
import { z, type ZodType } from 'zod'
import type { NewRecord } from '../../domain/record.ts'
import { placeOfFinding } from '../cloud-places.ts'
import type { Collector, Piece, SourceContext } from '../collector.ts'
import { splitReports } from '../report.ts'
import { type Looked, scanFor, scansAt, Survey, surveyed } from '../survey.ts'
import { alertOf } from './alert.ts'
import { findingsOf, lookedAt, targetOf } from './finding.ts'
import { ocsfOf } from './shape.ts'

const Element = z.record(z.string(), z.unknown())
type Raw = Survey | z.infer<typeof Element>

const layout = { lists: ['$.*', '$.Findings.*', '$.findings.*', '$.events.*', '$.detail.findings.*'], documentsAreElements: true }

export const ocsf: Collector<Raw> = {
  name: 'ocsf',
  title: 'OCSF findings',
  produces: ['finding', 'scan', 'alert', 'entity', 'relation'],
  connect: `Import what your product writes as OCSF JSON, for example AWS Security Hub’s:

\`\`\`sh
aws securityhub get-findings-v2 | falconer import - --cluster {{scope}}
\`\`\`

Or send it, lists and lines alike:

\`\`\`sh
curl --data-binary @report.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/ocsf
\`\`\``,
  detect,
  split: (input) => surveyed(splitReports(input, layout), lookedAt),
  raw: (piece: Piece) => (piece.end === true ? Survey : Element) as ZodType<Raw>,
  normalise,
}

/** By the class of any finding near its beginning: logs of API calls alone are others’. */
function detect(sample: string): boolean {
  if (!/^\s*[[{]/.test(sample) || !/"class_uid"\s*:\s*200[1-4]\b/.test(sample)) return false
  return !/^prowler$/i.test(/"product"\s*:\s*\{[^{}]*?"name"\s*:\s*"([^"]*)"/.exec(sample)?.[1] ?? '')
}

function* normalise(raw: Raw, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const scanned = { covers: [], targetOf: (looked: Looked) => targetOf(looked, source.scope) }
  if (piece.end === true) return yield* scansAt(piece, raw as Survey, 'ocsf', source, scanned)
  const document = raw as z.infer<typeof Element>
  const read = ocsfOf(document)
  if (read.class === 'detection') yield { kind: 'alert', alert: alertOf(read, document, piece, source) }
  const looked = lookedAt(document)
  if (looked === null) return
  for (const finding of findingsOf(read, document, piece.bytes, scanFor(looked, piece, source, scanned))) {
    yield { kind: 'finding', finding }
    yield* placeOfFinding(finding)
  }
}
