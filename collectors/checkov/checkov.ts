/**
 * Checkov’s JSON (`-o json`): one report per check type, alone or in a list; each check type is a scan of its own. Failed, passed and skipped
 * checks become findings; skipped ones are muted. The code it quotes may hold secrets and is not kept, nor is what a secret hashes to.
 * Files it could not parse make the scan one that failed. It has no time and names no repository: a scope is taken for one.
 * Content key: SHA-256 over the report, the scope and the check type.
 */
import { z } from 'zod'
import type { Collector, Piece } from '../collector.ts'
import { splitReports } from '../report.ts'
import { normaliseCheckov, partOf } from './normalise.ts'
import { CheckovCheck, listsOf } from './shape.ts'

const lists = [...listsOf('$'), ...listsOf('$.*')]

export const checkov: Collector<CheckovCheck> = {
  name: 'checkov',
  title: 'Checkov report',
  produces: ['finding', 'scan'],
  withholds: 'it quotes source code, which may hold secrets',
  connect: `In a repository:

\`\`\`sh
checkov --directory . --output json --soft-fail | falconer import - --cluster {{scope}}
\`\`\`

Or sent to the server:

\`\`\`sh
checkov --directory . --output json --soft-fail > report.json
curl --data-binary @report.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/checkov
\`\`\`

Without \`--quiet\`: it leaves out what passes, what is skipped and which files could not be parsed. The report does not say which repository it is of: give each repository a scope of its own, or a scan of one ends the findings of the other.`,
  detect: (sample) =>
    /^\s*[{[]/.test(sample) &&
    ((/"check_type"\s*:/.test(sample) && /"(passed|failed|skipped)_checks"\s*:/.test(sample)) ||
      /^\s*\{\s*"passed"\s*:[\s\S]*"checkov_version"\s*:/.test(sample)),
  raw: ({ end }) => (end === true ? z.any() : CheckovCheck),
  split,
  normalise: normaliseCheckov,
}

/** Counts the checks of each part, which is told at the report’s end. */
async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  let counts: Record<string, number> = {}
  for await (const piece of splitReports(input, { lists })) {
    const part = partOf(piece)
    if (piece.list !== undefined) counts[part] = (counts[part] ?? 0) + 1
    if (piece.end === true && piece.report !== undefined) {
      piece.report.counts = counts
      counts = {}
    }
    yield piece
  }
}
