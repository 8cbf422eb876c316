/**
 * Kubescape’s JSON report (`--format json`, v3 and v4) of a cluster or of manifests: one finding per object and control. Which object it is
 * stands in its resource id; the objects themselves, which may hold Secrets, are only asked for the file they came from, and never kept.
 * A control that was skipped altogether is a finding of the whole. Of its operator’s objects WorkloadConfigurationScans are read here.
 * Content key: SHA-256 over the report (of an object its UID and version), the scope and what was looked at.
 */
import { z } from 'zod'
import type { Collector, Piece } from '../collector.ts'
import { splitReports } from '../report.ts'
import { normaliseKubescape } from './normalise.ts'
import { isOperatorScan, normaliseOperatorScan } from './operator.ts'
import { KubescapeResult } from './shape.ts'

const [results, resources, items] = ['$.results.*', '$.resources.*', '$.items.*'] as const
const mostFiles = 100_000

export const kubescape: Collector<KubescapeResult> = {
  name: 'kubescape',
  title: 'Kubescape report',
  produces: ['finding', 'scan'],
  withholds: 'it may hold environment values or Secrets',
  connect: `From where you run Kubescape:

\`\`\`sh
kubescape scan --format json --omit-raw-resources --output report.json
falconer import report.json --cluster {{scope}}
\`\`\`

Or sent to the server:

\`\`\`sh
curl --data-binary @report.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/kubescape
\`\`\`

What the Kubescape operator finds, Falconer pulls by itself when it watches the cluster (\`FALCONER_PULL_MINUTES\`). By hand, one object at a time,
for its lists leave out what was found:

\`\`\`sh
kubectl get workloadconfigurationscan -n shop deployment-web -o json | falconer import - --cluster {{scope}}
\`\`\``,
  detect: (sample) =>
    /^\s*\{/.test(sample) &&
    (/"(summaryDetails|customerGUID|clusterAPIServerInfo)"\s*:/.test(sample) ||
      (/"apiVersion"\s*:\s*"spdx\.softwarecomposition\.kubescape\.io\//.test(sample) &&
        /"kind"\s*:\s*"WorkloadConfigurationScan"/.test(sample))),
  raw: ({ end }) => (end === true ? z.any() : KubescapeResult),
  split,
  normalise: (raw, piece, source) => (isOperatorScan(piece) ? normaliseOperatorScan : normaliseKubescape)(raw, piece, source),
}

/** Objects stand before the results; of each only its file is held, and told to its result. */
async function* split(input: AsyncIterable<Uint8Array>): AsyncIterable<Piece> {
  let files = new Map<unknown, string>()
  let controls = 0
  let listed = false
  for await (const piece of splitReports(input, { lists: [results, resources, items] })) {
    if (piece.list === items) {
      yield ownReport(piece)
      listed = true
      continue
    }
    if (piece.list === resources && piece.error === undefined) {
      const { resourceID, source } = piece.raw as { resourceID?: unknown; source?: { relativePath?: unknown } | null }
      const file = source?.relativePath
      if (typeof file === 'string' && file !== '' && files.size < mostFiles) files.set(resourceID, file)
    } else if (piece.end === true) {
      if (piece.report !== undefined) piece.report.counts = { controls }
      // A list is no report: each of its objects was one.
      if (!listed) yield piece
      listed = false
      files = new Map()
      controls = 0
    } else if (piece.list === results && piece.error === undefined) {
      const raw = piece.raw as Record<string, unknown>
      if (Array.isArray(raw.controls)) controls += raw.controls.length
      yield { ...piece, raw: { ...raw, sourceFile: files.get(raw.resourceID) } }
    } else yield piece
  }
}

/** An object of a list, as the report it is. */
const ownReport = (piece: Piece): Piece =>
  piece.report === undefined || piece.error !== undefined
    ? piece
    : { ...piece, end: true, report: { ...piece.report, value: piece.raw, counts: {} } }
