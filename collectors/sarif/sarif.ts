/**
 * SARIF 2.1, from whatever tool: one finding per result, about the file it stands in, or the image. Every tool and target in it is a scan of
 * its own. Of known vulnerabilities the id is the check, of all else the tool’s rule. The code it quotes may hold secrets and is not kept.
 * Results kept in other files are not followed: the scan then failed. Content key: SHA-256 over the report, the scope, the tool and the target.
 */
import { z } from 'zod'
import type { Collector, Piece } from '../collector.ts'
import { splitReports } from '../report.ts'
import { normaliseSarif, runOf } from './normalise.ts'
import { SarifResult } from './shape.ts'

export const sarif: Collector<SarifResult> = {
  name: 'sarif',
  title: 'SARIF report',
  produces: ['finding', 'scan', 'alias'],
  withholds: 'it quotes source code, which may hold secrets',
  connect: `Any tool that writes SARIF 2.1; Semgrep for example:

\`\`\`sh
semgrep scan --sarif --output report.sarif
falconer import report.sarif --cluster {{scope}}
\`\`\`

Or sent to the server:

\`\`\`sh
curl --data-binary @report.sarif -H "Authorization: Bearer {{secret}}" {{url}}/ingest/sarif
\`\`\`

Where the tool does not write which repository it is of (\`versionControlProvenance\`), everything sent with one scope is taken for one: give each repository a scope of its own.`,
  detect: (sample) =>
    /^\s*\{/.test(sample) &&
    /"runs"\s*:\s*\[/.test(sample) &&
    /"\$schema"\s*:\s*"[^"]*sarif|"(driver|ruleId)"\s*:|"version"\s*:\s*"2\.1/.test(sample),
  raw: ({ end }) => (end === true ? z.any() : SarifResult),
  split,
  normalise: normaliseSarif,
}

/** Counts the results of each run, which is told at the report’s end. */
async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  let counts: Record<string, number> = {}
  for await (const piece of splitReports(input, { lists: ['$.runs.*.results.*'] })) {
    const run = runOf(piece)
    if (piece.list !== undefined) counts[run] = (counts[run] ?? 0) + 1
    if (piece.end === true && piece.report !== undefined) {
      piece.report.counts = counts
      counts = {}
    }
    yield piece
  }
}
