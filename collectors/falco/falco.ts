/**
 * Falco’s alerts, from its http_output, file and stdout outputs and from falcosidekick. Fields are parsed, prose
 * (`output`) never is. Content key: SHA-256 over the scope and the whole document as written, every field and digit
 * (domain/document-key.ts); only key order, white space and how strings are escaped do not count.
 */
import { z } from 'zod'
import type { Collector, Piece } from '../collector.ts'
import { findDocuments } from '../documents.ts'
import { normaliseFalco } from './normalise.ts'
import { pieceOf } from './piece.ts'

export const FalcoDocument = z.record(z.string(), z.unknown())
export type FalcoDocument = z.infer<typeof FalcoDocument>

export const falco: Collector<FalcoDocument> = {
  name: 'falco',
  title: 'Falco alerts',
  produces: ['alert', 'internal'],
  connect: `Falco, in \`falco.yaml\` (it sends no custom header, so the secret is in the path; use TLS or loopback):

\`\`\`yaml
json_output: true
json_include_output_fields_property: true
json_include_tags_property: true
http_output:
  enabled: true
  url: {{url}}/ingest/falco/{{secret}}
\`\`\`

falcosidekick, in its configuration:

\`\`\`yaml
webhook:
  address: {{url}}/ingest/falco
  customHeaders:
    Authorization: "Bearer {{secret}}"
\`\`\`

Neither of them sends an alert again after an error answer. Where losing one is not acceptable, put a disk buffer (Vector, Fluent Bit) in front.`,
  detect: (sample) =>
    /"(rule|Rule)\\?"+\s*:\s*\\?"/.test(sample) &&
    /"(priority|output_fields|output)\\?"+\s*:/.test(sample) &&
    !/"apiVersion"\s*:/.test(sample.slice(0, 2_000))
      ? true
      : /"falco\.rule\.output\.v1"/.test(sample) ||
        /^\S{0,200}:?[ \t]{0,20}(?:Falco (?:version|initialized)|[^\n]{0,400}falco\.yaml \| schema validation)/m.test(sample),
  raw: FalcoDocument,
  split,
  normalise: normaliseFalco,
}

async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  for await (const found of findDocuments(input)) yield pieceOf(found)
}
