/**
 * kube-bench’s JSON (`--json`): the CIS benchmark’s checks of a cluster’s nodes and configuration, one finding each; severities it has none.
 * It does not name the node it ran on: said in `node_name` (see how to connect it) the findings are about that node, else about the cluster.
 * A report whose totals say more than it lists is a scan that failed. Content key: SHA-256 over the report, the scope and what was looked at.
 */
import { z } from 'zod'
import type { Collector } from '../collector.ts'
import { splitReports } from '../report.ts'
import { KubeBenchResult, lists, normaliseKubeBench } from './normalise.ts'

export const kubeBench: Collector<KubeBenchResult> = {
  name: 'kube-bench',
  title: 'kube-bench report',
  produces: ['finding', 'scan'],
  connect: `kube-bench does not write down which node it ran on; \`jq\` adds it. On each node, or in a job on it:

\`\`\`sh
kube-bench --json | jq --arg node "$(hostname)" '{node_name: $node} + .' | falconer import - --cluster {{scope}}
\`\`\`

Or sent to the server:

\`\`\`sh
kube-bench --json | jq --arg node "$(hostname)" '{node_name: $node} + .' > report.json
curl --data-binary @report.json -H "Authorization: Bearer {{secret}}" {{url}}/ingest/kube-bench
\`\`\`

Without \`node_name\` the findings are about the cluster, and what several nodes say of one check is one finding.`,
  detect: (sample) =>
    /^\s*[{[]/.test(sample) &&
    (/"Controls"\s*:/.test(sample)
      ? /"(Totals|node_type|node_name)"\s*:/.test(sample)
      : /"node_type"\s*:/.test(sample) && /"tests"\s*:/.test(sample)),
  raw: ({ end }) => (end === true ? z.any() : KubeBenchResult),
  split: (input) => splitReports(input, { lists }),
  normalise: normaliseKubeBench,
}
