/** `npm run bench -- <name …> [--runs N] [--json] [--log-mb N] [--report-mb N] [--estate N] [--open-alerts N] [--pieces N] [--tool NAME]`: runs the named benchmarks, or all of them. */
import { parseArgs } from 'node:util'
import { summary, table } from './bench.ts'
import { collect } from './collect.ts'
import { fixFirst } from './fix-first.ts'
import { graph } from './graph.ts'
import { ingest } from './ingest.ts'
import { investigate } from './investigate.ts'
import { knowledge } from './knowledge.ts'
import { lists } from './lists.ts'
import { mcp } from './mcp.ts'
import { nats } from './nats.ts'
import { start } from './start.ts'
import { tools } from './tools.ts'

const benches = [collect, fixFirst, graph, ingest, investigate, knowledge, lists, mcp, nats, start, tools]
const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    'log-mb': { type: 'string', default: '200' },
    'report-mb': { type: 'string', default: '60' },
    estate: { type: 'string', default: '1' },
    'open-alerts': { type: 'string', default: '100000' },
    pieces: { type: 'string', default: '10000' },
    tool: { type: 'string' },
  },
})
const runs = Number(values.runs)
const sizes = {
  logMegabytes: Number(values['log-mb']),
  reportMegabytes: Number(values['report-mb']),
  estate: Number(values.estate),
  openAlerts: Number(values['open-alerts']),
  pieces: Number(values.pieces),
}
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name))
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1 || !Object.values(sizes).every((size) => size > 0)) {
  console.error(
    `usage: npm run bench -- [${benches.map(({ name }) => name).join(' | ')}] [--runs N] [--json] [--log-mb N] [--report-mb N] [--estate N] [--open-alerts N] [--pieces N] [--tool NAME]`,
  )
  process.exit(2)
}
const results: Record<string, unknown> = {}
for (const bench of benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const comparisons = await bench.run(runs, (text) => console.error(`${bench.name}: ${text}`), {
    ...sizes,
    ...(values.tool === undefined ? {} : { tool: values.tool }),
  })
  if (values.json) results[bench.name] = comparisons.map(summary)
  else console.log(`\n${bench.title} (medians of ${runs} runs)\n\n${table(comparisons)}`)
}
if (values.json) console.log(JSON.stringify({ runs, results }))
