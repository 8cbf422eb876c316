/**
 * AWS Security Hub’s findings (ASFF): lists, the command line’s and BatchImportFindings’ wrapper, EventBridge events, lines. Results of checks
 * and vulnerabilities are findings, TTPs, effects and GuardDuty’s words are alerts. An export is what somebody asked for: what it leaves
 * out is not fixed. Content key: of a scan, SHA-256 over the report, scope, product and account; of a finding, class, check, resource and
 * package; of an alert, SHA-256 over scope, product, finding and the time of its update.
 */
import { z, type ZodType } from 'zod'
import type { NewRecord } from '../../domain/record.ts'
import { placeOfFinding } from '../cloud-places.ts'
import type { Collector, Piece, SourceContext } from '../collector.ts'
import { splitReports } from '../report.ts'
import { type Looked, scanFor, scansAt, Survey, surveyed } from '../survey.ts'
import { alertOf } from './alert.ts'
import { findingsOf, lookedAt, targetOf } from './finding.ts'
import { asffOf } from './shape.ts'

const Element = z.record(z.string(), z.unknown())
type Raw = Survey | z.infer<typeof Element>

const layout = { lists: ['$.*', '$.Findings.*', '$.findings.*', '$.detail.findings.*'], documentsAreElements: true }

export const asff: Collector<Raw> = {
  name: 'asff',
  title: 'AWS Security Hub findings (ASFF)',
  produces: ['finding', 'scan', 'alert', 'entity', 'relation'],
  connect: `Export the findings and import them:

\`\`\`sh
aws securityhub get-findings | falconer import - --cluster {{scope}}
\`\`\`

Or send them, as an export or as EventBridge events (“Security Hub Findings - Imported”) from an API destination with this header:

\`\`\`sh
aws securityhub get-findings > report.json
curl --data-binary @report.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/asff
\`\`\``,
  detect: (sample) =>
    /^\s*[[{]/.test(sample) &&
    /"ProductArn"\s*:\s*"arn:/.test(sample) &&
    /"(?:AwsAccountId|GeneratorId)"\s*:/.test(sample) &&
    !/"class_uid"\s*:/.test(sample),
  split: (input) => surveyed(splitReports(input, layout), lookedAt),
  raw: (piece: Piece) => (piece.end === true ? Survey : Element) as ZodType<Raw>,
  normalise,
}

function* normalise(raw: Raw, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  const scanned = { covers: [], targetOf: (looked: Looked) => targetOf(looked, source.scope) }
  if (piece.end === true) return yield* scansAt(piece, raw as Survey, 'security-hub', source, scanned)
  const document = raw as z.infer<typeof Element>
  const read = asffOf(document)
  const looked = lookedAt(document)
  if (looked === null) return yield { kind: 'alert', alert: alertOf(read, document, piece, source) }
  for (const finding of findingsOf(read, document, piece.bytes, scanFor(looked, piece, source, scanned))) {
    yield { kind: 'finding', finding }
    yield* placeOfFinding(finding)
  }
}
