/**
 * Prowler’s results, from all its outputs: OCSF (4 and 5), JSON and JSON lines (2 and 3), CSV. Each is a finding about a resource of the
 * account; the account is what was scanned. Its compliance tables and HTML are not read. Times without a zone are taken as UTC.
 * Content key: of a scan, SHA-256 over the report, the scope, the scanner and the account; of a finding, class, check and resource.
 */
import { z, type ZodType } from 'zod'
import type { NewRecord } from '../../domain/record.ts'
import { placeOfFinding } from '../cloud-places.ts'
import type { Collector, Piece, SourceContext } from '../collector.ts'
import { type Looked, scanFor, scansAt, Survey } from '../survey.ts'
import { findingOf, lookedAt, targetOf } from './finding.ts'
import { resultOf } from './shapes.ts'
import { split } from './split.ts'
import { isHeader } from './table.ts'

const Element = z.record(z.string(), z.unknown())
type Raw = Survey | z.infer<typeof Element>

export const prowler: Collector<Raw> = {
  name: 'prowler',
  title: 'Prowler results',
  produces: ['finding', 'scan', 'entity', 'relation'],
  connect: `Prowler writes its report into a folder; import it from there. What a later report says passes is fixed; what it does not list stays as it was, for
Prowler may have been asked for a part and does not say so.

\`\`\`sh
prowler aws --output-formats json-ocsf --output-directory reports
cat reports/*.ocsf.json | falconer import - --format prowler --cluster {{scope}}
\`\`\`

Or send it, for example after a scheduled scan:

\`\`\`sh
curl --data-binary @report.ocsf.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/prowler
\`\`\``,
  detect,
  split,
  raw: (piece: Piece) => (piece.end === true ? Survey : Element) as ZodType<Raw>,
  normalise,
}

function detect(sample: string, path: string): boolean {
  const start = sample.trimStart()
  // A scan that found nothing leaves a file that only its name tells of.
  if (start === '' || start.trim() === '[]') return /prowler[^/\\]*$/i.test(path)
  if (!/^[[{]/.test(start)) return isHeader((start.split('\n', 1)[0] ?? '').split(/[;,]/))
  if (/"class_uid"\s*:|"finding_info"\s*:/.test(start))
    return /^prowler$/i.test(/"product"\s*:\s*\{[^{}]*?"name"\s*:\s*"([^"]*)"/.exec(start)?.[1] ?? '')
  return (
    (/"CheckID"\s*:/.test(start) && /"StatusExtended"\s*:/.test(start)) ||
    (/"Control"\s*:\s*"\[/.test(start) && /"Account Number"\s*:/.test(start))
  )
}

function* normalise(raw: Raw, piece: Piece, source: SourceContext): Iterable<NewRecord> {
  // Prowler may have been asked for one service only and does not say so: what passes now says it itself, what is not listed says nothing.
  const scanned = { covers: [], targetOf: (looked: Looked) => targetOf(looked, source.scope) }
  if (piece.end === true) return yield* scansAt(piece, raw as Survey, 'prowler', source, scanned)
  const document = raw as z.infer<typeof Element>
  const scan = scanFor(lookedAt(document), piece, source, scanned)
  const finding = findingOf(resultOf(document), document, piece.bytes, scan)
  yield { kind: 'finding', finding }
  yield* placeOfFinding(finding)
}
