/**
 * `npm run bench -- mcp`: 200 clients of 2026 at once at `/mcp` of a Falconer of its own: answers a second, and its resident memory before and after.
 * The baseline is a server of the same SDK with two tools, no store and no token. An answer that is an error ends it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { Bench, Comparison } from './bench.ts'
import { launch, pause, residentMegabytes } from './launch.ts'

const program = fileURLToPath(new URL('mcp-server.ts', import.meta.url))
const clients = 200
const each = 20
const questions = ['tools/list', 'get_runbook', 'list_incidents'] as const
type Question = (typeof questions)[number]
type Sample = Record<Question, number> & { memoryBefore: number; memoryAfter: number }
type Recorded = { body: string; headers: Record<string, string> }

export const mcp: Bench = {
  name: 'mcp',
  title: `${clients} clients of MCP at once`,
  async run(runs, progress) {
    const ours: Sample[] = []
    const bare: Sample[] = []
    for (let run = 1; run <= runs; run += 1) {
      progress(`run ${run} of ${runs}`)
      bare.push(await measure('bare', progress))
      ours.push(await measure('falconer', progress))
    }
    const compare = (what: string, unit: Comparison['unit'], field: keyof Sample): Comparison => ({
      what,
      unit,
      falconer: ours.map((sample) => sample[field]),
      baseline: { what: 'a bare server of the SDK', samples: bare.map((sample) => sample[field]) },
    })
    return [
      ...questions.map((question) => compare(`${question}, answers a second`, '/s', question)),
      compare('memory before', 'MB', 'memoryBefore'),
      compare(`memory after ${clients * each * questions.length} answers`, 'MB', 'memoryAfter'),
    ]
  },
}

async function measure(what: 'bare' | 'falconer', progress: (text: string) => void): Promise<Sample> {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-bench-'))
  const server = launch(process.execPath, ['--disable-warning=ExperimentalWarning', program, what, folder])
  try {
    const [, url = '', token = ''] = await server.says(/serves at (\S+) with (\S+)/)
    const asked = await record(url, token)
    const memoryBefore = residentMegabytes(server.pid)
    const sample = { memoryBefore } as Sample
    for (const question of questions) {
      await ask(url, asked[question], 2)
      const began = performance.now()
      await ask(url, asked[question], each)
      sample[question] = (clients * each * 1_000) / (performance.now() - began)
      progress(`${what}: ${question} ${Math.round(sample[question])}/s`)
    }
    await pause(1_000)
    sample.memoryAfter = residentMegabytes(server.pid)
    return sample
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a client of the SDK sends for each question, so that it can be sent again without a client’s own cost. */
async function record(url: string, token: string): Promise<Record<Question, Recorded>> {
  let last: Recorded = { body: '', headers: {} }
  const client = new Client({ name: 'bench', version: '1' }, { versionNegotiation: { mode: 'auto' } })
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: (to, init) => {
      last = { body: String(init?.body ?? ''), headers: Object.fromEntries(new Headers(init?.headers)) }
      return fetch(to, init as RequestInit)
    },
  })
  await client.connect(transport)
  const recorded = {} as Record<Question, Recorded>
  for (const question of questions) {
    if (question === 'tools/list') await client.listTools()
    else await client.callTool({ name: question, arguments: question === 'get_runbook' ? { name: 'reverse-shell' } : {} })
    recorded[question] = last
  }
  await client.close()
  return recorded
}

/** Each client asks again as soon as it was answered. */
async function ask(url: string, { body, headers }: Recorded, times: number): Promise<void> {
  const one = async (): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      const answer = await fetch(url, { method: 'POST', body, headers })
      const text = await answer.text()
      if (!answer.ok || text.includes('"error"') || text.includes('"isError":true'))
        throw new Error(`answered ${answer.status}: ${text.slice(0, 300)}`)
    }
  }
  await Promise.all(Array.from({ length: clients }, one))
}
