/**
 * A client that knows nothing of Falconer finds the root cause of the demo’s incident, over HTTP and over standard input and output: in at most 8 calls and
 * 12,000 tokens. The names of the story are changed, so that nothing can be told by heart.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { describe, expect, it } from 'vitest'
import { composeFalconer } from '../../apps/server/falconer.ts'
import { loadConfig } from '../../config/config.ts'
import { systemClock } from '../../domain/clock.ts'
import { loadScenario, mutate, type Scenario, withNoise } from '../../evals/scenario.ts'
import { listening } from '../support/listening.ts'
import { type Asker, type Given, investigate, type Investigation, toldOf } from '../support/mcp-driver.ts'
import { falconerProgram } from '../support/process.ts'
import { openSite } from '../support/site.ts'
import { seed } from '../support/sizes.ts'
import { recordStory } from '../support/story.ts'

const askerOf = async (client: Client): Promise<Asker> => ({
  instructions: client.getInstructions() ?? '',
  tools: (await client.listTools()).tools as Asker['tools'],
  call: async (name, input) => (await client.callTool({ name, arguments: input })) as Given,
})

/** The story under other names among everyday noise, and what its pod is called. */
function renamed(): { change(scenario: Scenario): Scenario; pod(): string } {
  let pod = ''
  return {
    change: (scenario) => {
      const last = new Date(Math.max(...scenario.alerts.map(({ time }) => Date.parse(time))))
      const story = mutate(withNoise(scenario, loadScenario('everyday-noise', last)), seed)
      const container = String(scenario.alerts[0]?.output_fields['container.id'])
      const at = scenario.objects.findIndex(({ status }) => JSON.stringify(status ?? null).includes(`containerd://${container}`))
      pod = `${story.objects[at]?.metadata.namespace}/${story.objects[at]?.metadata.name}`
      return story
    },
    pod: () => pod,
  }
}

function expectSolved(found: Investigation, pod: string): void {
  expect(found.calls.length).toBeLessThanOrEqual(8)
  expect(found.tokens).toBeLessThanOrEqual(12_000)
  expect(found.cause).toMatch(/CVE-2022-29078 in ejs of image /)
  expect(found.cause).not.toContain('checkout')
  expect(found.fix).toMatch(/ejs to 3\.1\.10/)
  // It was read in the records, not believed.
  expect(JSON.stringify(found.evidence.finding)).toContain('CVE-2022-29078')
  expect(JSON.stringify(found.evidence.alert)).toContain(pod.split('/')[1])
  expect(JSON.stringify(found.evidence.processes)).toMatch(/curl/)
  expect(found.reach).not.toBeNull()
}

describe('an investigation by a client that knows nothing of Falconer', () => {
  it('comes to the root cause over HTTP', async () => {
    const site = await openSite({ now: '2026-11-24T12:00:00Z' })
    const story = renamed()
    await recordStory(site.db, site.clock, 'lab', story.change)
    const server = await listening(site.app.fetch)
    const client = new Client({ name: 'driver', version: '1' }, { versionNegotiation: { mode: 'auto' } })
    try {
      const requestInit = { headers: { authorization: `Bearer ${site.people.viewer.token}` } }
      await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${server.port}/mcp`), { requestInit }))
      const found = await investigate(await askerOf(client))
      console.log(`over HTTP:\n${toldOf(found)}`)
      expectSolved(found, story.pod())
    } finally {
      await client.close()
      await server.close()
      await site.close()
    }
  })

  it('comes to it over standard input and output', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'falconer-mcp-'))
    const client = new Client({ name: 'driver', version: '1' })
    try {
      const story = renamed()
      const settings = loadConfig({ FALCONER_DATA: folder, FALCONER_LOG: 'silent' }, {})
      const falconer = await composeFalconer(settings, { as: 'command', quietMs: 0 })
      await recordStory(falconer.db, systemClock, 'lab', story.change)
      await falconer.close()
      const env = { PATH: process.env.PATH ?? '', HOME: folder, FALCONER_DATA: folder }
      await client.connect(new StdioClientTransport({ command: falconerProgram, args: ['mcp', '--read-only'], env, stderr: 'ignore' }))
      const found = await investigate(await askerOf(client))
      console.log(`over standard input and output:\n${toldOf(found)}`)
      expectSolved(found, story.pod())
    } finally {
      await client.close()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
