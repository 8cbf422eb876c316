import { composeFalconer } from '../apps/server/falconer.ts'
import { loadConfig } from '../config/config.ts'
import { operatorPrincipal } from '../domain/principal.ts'
import { openDatabase } from '../store/database.ts'
import { callsOf, knownOf } from '../test/support/tool-arguments.ts'
import { tools } from '../tools/catalog/registry.generated.ts'
const db = await openDatabase({ url: process.argv[2]! })
const names = process.argv.slice(3)
const config = loadConfig({ FALCONER_DATA: '/tmp/x-prof', FALCONER_LOG: 'error' }, {})
const f = await composeFalconer(config, { database: db, as: 'command' })
const known = await knownOf({ db, clock: f.clock as never }, ['x'], ['shell', 'checkout', 'CVE-2021'])
let took: [number, string][] = []
const original = db.query.bind(db)
;(db as any).query = async (statement: any) => { const t = performance.now(); try { return await original(statement) } finally { took.push([performance.now() - t, JSON.stringify(statement.toOperationNode?.()?.sqlFragments ?? '').slice(0, 150)]) } }
const ctx: any = { db, clock: f.clock, graph: f.graph, responses: f.responses, principal: operatorPrincipal, channel: 'mcp', pages: 'x', reads: () => true, signal: new AbortController().signal, progress: () => {} }
for (const tool of tools.filter(({ name }) => names.includes(name))) {
  const calls = callsOf(tool, known)
  const all: [number, any, typeof took][] = []
  for (let i = 0; i < 30; i += 1) {
    took = []
    const t = performance.now()
    try { await tool.run(tool.input.parse(calls[i % calls.length]) as never, ctx) } catch (e) { if (i < 2) console.log(tool.name, String(e).slice(0, 200)) }
    all.push([performance.now() - t, calls[i % calls.length], took])
  }
  all.sort((a, b) => a[0] - b[0])
  for (const at of [0.5, 0.95]) {
    const [ms, args, what] = all[Math.floor(all.length * at)]!
    console.log(`${tool.name} p${at * 100}: ${ms.toFixed(1)} ms`, JSON.stringify(args).slice(0, 200))
    for (const [m, s] of what.toSorted((a, b) => b[0] - a[0]).slice(0, 4)) console.log(`    ${m.toFixed(1)} ms ${s}`)
  }
}
await f.close()
