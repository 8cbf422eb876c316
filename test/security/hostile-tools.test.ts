/**
 * What an attacker writes reaches a model only between fences that they cannot close, with nothing invisible in it, and no secret at all; from every tool,
 * asked with every id there is (guarantees 6 and 7, for tools). Each payload must have been seen in each tool that tells such text, or nothing was shown.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseExact } from '../../domain/exact-json.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { fence, fenceNote } from '../../tools/quoted.ts'
import { type Tool, toolsets } from '../../tools/tool.ts'
import { plant, plantLoaded, plantPosture } from '../support/hostile-site.ts'
import { aMarker, hostile, marked, marker, stringsOf, wrongWith } from '../support/fenced.ts'
import { canaries, endless } from '../support/hostile-text.ts'
import { openSite, type Site } from '../support/site.ts'
import { type Arguments, callsOf, type Known, knownOf } from '../support/tool-arguments.ts'
import { textsOf } from '../support/tool-texts.ts'

/** Tools that tell texts of others and do not come to tell some of these, and why; `none` where there is none in this site to tell. */
type Less = { misses: readonly string[]; why: string; none?: true; refuses?: true }
const ofAlerts: Less = { misses: endless, why: 'what is that long is no rule’s name: such an alert is a dead letter' }
const tellsLess: Readonly<Record<string, Less>> = {
  list_incidents: ofAlerts,
  list_alerts: ofAlerts,
  list_field_values: ofAlerts,
  count_alerts: ofAlerts,
  get_alert: ofAlerts,
  get_timeline: ofAlerts,
  get_process_tree: ofAlerts,
  get_coverage: { misses: hostile, why: 'it has a budget and no cursor: sources and scans with gaps first' },
  find_similar_incidents: { misses: hostile, why: 'the most alike first, and there are more than it tells' },
  explain_rule: { misses: endless, why: 'what is that long is no rule’s name' },
  find_attack_paths: { misses: hostile, why: 'the cheapest ways, and there are more than it tells' },
  get_runbook: { misses: hostile, why: 'runbooks are ours', none: true },
  list_runbooks: { misses: hostile, why: 'runbooks are ours', none: true },
  list_response_actions: { misses: hostile, why: 'actions are ours', none: true },
  add_note: { misses: hostile, why: 'it tells where the note is, no text of others', none: true },
  set_verdict: { misses: hostile, why: 'it tells where the suggestion is, no text of others', none: true },
  query_records: {
    misses: hostile,
    why: 'it needs a server; test/security/hostile-records.test.ts asks it there',
    none: true,
    refuses: true,
  },
}

type Answer = { structuredContent?: unknown; isError?: boolean; content: { type: string; text?: string }[] }

describe('guarantee 7: text of others leaves a tool fenced', () => {
  let site: Site
  let client: Client
  let known: Known
  /** Pods of hostile names, each a step away from its node. */ let onPaths: string[]
  beforeAll(async () => {
    site = await openSite({ shop: true, config: { FALCONER_PORT: '0', FALCONER_MCP_PER_MINUTE: '0' } })
    // What comes last is newest, and told first.
    const texts = [...canaries.map(({ text }) => text), ...marked]
    await plant(site, texts)
    await plantPosture(site, texts)
    onPaths = await plantLoaded(site, texts)
    known = await knownOf(
      site,
      texts.map((text) => text.replaceAll('\0', '').slice(0, 500)),
      hostile.map((_text, index) => marker(index)),
    )
    client = await connected(site)
  }, 600_000)
  afterAll(async () => {
    await client?.close()
    await site?.close()
  })

  /** Asks, and follows the cursor. */
  async function* answers(tool: Tool, given: Arguments): AsyncGenerator<Answer> {
    let cursor: string | undefined
    for (let page = 0; page < 40; page += 1) {
      const answer = (await client.callTool({
        name: tool.name,
        arguments: { ...given, ...(cursor === undefined ? {} : { cursor }) },
      })) as Answer
      yield answer
      const next = (answer.structuredContent as { next?: unknown } | undefined)?.next
      if (typeof next !== 'string' || !('cursor' in tool.input.shape)) return
      cursor = next
    }
  }

  it.each(tools.map((tool) => [tool.name, tool] as const))(
    '%s',
    async (name, tool) => {
      const seen = new Set<number>()
      let [asked, answered, masked] = [0, 0, 0]
      const takesPods = name === 'propose_action' || name === 'find_attack_paths'
      for (const call of callsOf(tool, takesPods ? { ...known, entity: onPaths } : known)) {
        const given = name === 'propose_action' ? { reason: 'Seen by a test.', ...call } : call
        asked += 1
        // So many proposals an hour are allowed.
        if (name === 'propose_action') site.clock.advance(3_600_000)
        for await (const answer of answers(tool, given)) {
          const said = answer.content.map(({ text }) => text ?? '').join('\n')
          for (const text of answer.isError === true ? [said] : stringsOf(answer.structuredContent)) {
            const wrong = wrongWith(text)
            if (wrong !== null)
              expect.fail(`${name} ${JSON.stringify(given).slice(0, 200)} ${wrong}: ${JSON.stringify(text.slice(0, 400))}`)
            for (const [, index] of text.matchAll(aMarker)) seen.add(Number(index))
            if (text.includes('[redacted]')) masked += 1
          }
          if (answer.isError === true) continue
          answered += 1
          // The text is the same and nothing more, with the note that says what a fence is.
          const [note, json] = said.startsWith(fenceNote) ? [fenceNote, said.slice(fenceNote.length + 1)] : ['', said]
          expect(JSON.parse(JSON.stringify(parseExact(json), exact))).toEqual(JSON.parse(JSON.stringify(answer.structuredContent, exact)))
          expect(note !== '').toBe(json.includes(fence.open))
        }
      }
      console.log(`${name}: ${asked} calls, ${answered} answers, ${seen.size} of ${hostile.length} payloads, ${masked} masked`)
      if (tellsLess[name]?.refuses !== true) expect(answered, 'answers that are no errors').toBeGreaterThan(0)
      if (!textsOf(tool.output).some(({ kind }) => kind === 'fenced')) return
      const { misses = [], none } = tellsLess[name] ?? {}
      const missed = hostile.filter((_text, index) => !seen.has(index))
      if (misses.length > 0) expect(missed, 'tells all: take it out of tellsLess').not.toEqual([])
      expect(missed.filter((text) => !misses.includes(text)).map((text) => JSON.stringify(text.slice(0, 60)))).toEqual([])
      if (none !== true) expect(seen.size, 'payloads seen').toBeGreaterThan(0)
    },
    300_000,
  )

  it('is asked of all tools over the real transport', async () => {
    expect((await client.listTools()).tools.map(({ name }) => name).sort()).toEqual(tools.map(({ name }) => name).sort())
  })

  it('is what a check that can fail says', () => {
    expect(wrongWith(`${fence.open}mk1q <script>${fence.close}`)).toBeNull()
    expect(wrongWith('mk1q')).toMatch(/outside/)
    expect(wrongWith(`${fence.open}mk1q${fence.close} mk1q`)).toMatch(/outside/)
    expect(wrongWith(`${fence.open}a${fence.close}b${fence.close}`)).toMatch(/not ours/)
    expect(wrongWith(`${fence.open}a\u202eb${fence.close}`)).toMatch(/U\+202e/)
    expect(wrongWith(`${fence.open}${canaries[0]?.text}${fence.close}`)).toMatch(/secret/)
  })
})

const exact = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? Number(value) : value)

async function connected(site: Site): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(`http://localhost/mcp?toolsets=${toolsets.join(',')}`), {
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers)
      headers.set('host', 'localhost')
      headers.set('authorization', `Bearer ${site.people.administrator.token}`)
      return site.app.request(String(url), { ...init, headers } as RequestInit)
    },
  })
  await client.connect(transport)
  return client
}
