/**
 * Secrets that stand where secrets do stand, in every field of every kind of record, and everything that leaves Falconer asked about them: none of them is
 * in it. Each is really stored; and with masking taken away the same answers are full of them (guarantee 6).
 */
import type { Client } from '@modelcontextprotocol/client'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { listen } from '../../apps/server/listen.ts'
import { startTelling } from '../../apps/server/destinations.ts'
import { propose } from '../../responses/propose.ts'
import { nodesNamed } from '../../store/graph-nodes.ts'
import { addNoteTool } from '../../tools/catalog/add-note.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { toolsets } from '../../tools/tool.ts'
import { canariesOf, found } from '../support/canaries.ts'
import { chatModel, chatShown, sayingAll } from '../support/chat-shown.ts'
import { plant, plantPosture } from '../support/hostile-site.ts'
import { clientOf2026 } from '../support/mcp.ts'
import { type MessagesApi, messagesApi } from '../support/messages-api.ts'
import { runHere } from '../support/process.ts'
import { Receiver } from '../support/receiver.ts'
import { openSite, operator, type Site } from '../support/site.ts'
import { apiPaths, pagesOf } from '../support/site-paths.ts'
import { cases } from '../support/sizes.ts'
import { callTool, toolContext } from '../support/tool-call.ts'
import { callsOf, type Known, knownOf } from '../support/tool-arguments.ts'

const masking = vi.hoisted(() => ({ off: false }))
vi.mock('../../domain/redact.ts', async (original) => {
  const real = await original<typeof import('../../domain/redact.ts')>()
  return {
    ...real,
    redact: (text: string) => (masking.off ? text : real.redact(text)),
    redactDeep: <T>(value: T): T => (masking.off ? value : real.redactDeep(value)),
  }
})

type Shown = { where: string; text: string }
const perKind = 40
const count = cases(500, 21)

describe('canaries', { timeout: 3_600_000 }, () => {
  const canaries = canariesOf(count)
  const receiver = new Receiver()
  let api: MessagesApi
  let site: Site
  let known: Known
  let server: Awaited<ReturnType<typeof listen>>
  let tellAll: () => Promise<boolean>
  const stop = new AbortController()

  beforeAll(async () => {
    await receiver.listen()
    api = await messagesApi()
    const secret = 'whsec_c29tZXRoaW5nIHRoYXQgbm9ib2R5IGVsc2Uga25vd3M='
    site = await openSite({
      shop: true,
      config: {
        FALCONER_PORT: '0',
        FALCONER_MCP_PER_MINUTE: '0',
        FALCONER_WEBHOOK_URL: receiver.url,
        FALCONER_WEBHOOK_SECRET: secret,
        ...chatModel(api),
      },
    })
    tellAll = await startTelling(site.falconer, stop.signal)
    const texts = canaries.map(({ text }) => text)
    await plant(site, texts)
    await plantPosture(site, texts)
    await plantMore(site, texts)
    known = await knownOf(site, texts, ['canary', 'password', 'Authorization'], perKind)
    server = await listen(site.falconer)
  }, 3_600_000)
  afterAll(async () => {
    stop.abort()
    await server?.close()
    await site?.close()
    await api?.close()
    await receiver.close()
  })

  /** What `ask` has shown of what one client of MCP is told. */
  const overMcp = async (ask: (client: Client, show: (where: string, told: unknown) => void) => Promise<void>): Promise<Shown[]> => {
    const shown: Shown[] = []
    const client = await clientOf2026(new URL(`${server.url}/mcp?toolsets=${toolsets.join(',')}`), site.people.administrator.token)
    await ask(client, (where, told) => shown.push({ where, text: JSON.stringify(told) })).finally(() => client.close())
    return shown
  }

  /** All that leaves, family by family. */
  const families: Record<string, () => Promise<Shown[]>> = {
    'tools of MCP': () =>
      overMcp(async (client, show) => {
        for (const tool of tools)
          for (const given of callsOf(tool, known))
            show(`${tool.name} ${JSON.stringify(given).slice(0, 100)}`, await client.callTool({ name: tool.name, arguments: given }))
      }),
    'resources of MCP': () =>
      overMcp(async (client, show) => {
        const { resources } = await client.listResources()
        show('resources/list', resources)
        const uris = [
          ...resources.map(({ uri }) => uri),
          ...(['incident', 'finding', 'proposal'] as const).flatMap((kind) => known[kind].map((id) => `falconer://${kind}/${id}`)),
          ...known.rules.map((rule) => `falconer://rule/${encodeURIComponent(rule)}`),
        ]
        for (const uri of uris)
          for (const format of ['', '?format=json'])
            show(
              uri,
              await client.readResource({ uri: uri + format }).then(
                (answer) => answer.contents.map((content) => ('text' in content ? content.text : '')),
                (error: unknown) => String(error),
              ),
            )
      }),
    'prompts and completions of MCP': () =>
      overMcp(async (client, show) => {
        const { prompts } = await client.listPrompts()
        for (const { name, arguments: given = [] } of prompts) {
          for (const argument of given)
            for (const value of ['', 'R', 'a', 'export', 'canary'])
              show(
                `completion of ${name} ${argument.name}`,
                await client.complete({ ref: { type: 'ref/prompt', name }, argument: { name: argument.name, value } }),
              )
          const filled = Object.fromEntries(given.map((argument) => [argument.name, known.incident[0] ?? '']))
          show(`prompt ${name}`, await client.getPrompt({ name, arguments: filled }))
        }
        for (const { uriTemplate } of (await client.listResourceTemplates()).resourceTemplates)
          for (const value of ['', 'R', 'export'])
            show(
              `completion of ${uriTemplate}`,
              await client.complete({
                ref: { type: 'ref/resource', uri: uriTemplate },
                argument: { name: /\{(\w+)\}/.exec(uriTemplate)?.[1] ?? '', value },
              }),
            )
      }),
    pages: async () => {
      const paths = someOf(await pagesOf(site))
      const of = async (path: string): Promise<Shown> => ({
        where: path,
        text: await (await site.ask(path, { as: site.people.administrator })).text(),
      })
      return inTurn(paths, of)
    },
    'the API and its exports': async () =>
      inTurn(someOf(await apiPaths(site)), async (path) => ({
        where: path,
        text: await (await site.ask(path, { as: { token: site.people.administrator.token } })).text(),
      })),
    'the command line': async () => {
      const env = { FALCONER_URL: server.url, FALCONER_TOKEN: site.people.administrator.token }
      const [incident = '', finding = ''] = [known.incident[0], known.finding[0]]
      const lines = [
        ['alerts'],
        ['alerts', '--json'],
        ['incidents'],
        ['incident', incident],
        ['findings'],
        ['findings', 'show', finding],
        ['activities'],
        ['coverage'],
        ['fix-first'],
        ['rules'],
        ['dead-letters'],
        ['proposals'],
        ['sources'],
        ['sources', 'sensors'],
        ['audit'],
        ['baseline'],
        ['graph', 'neighbours', known.entity[0] ?? ''],
        ['export'],
        ...known.rules.slice(0, 5).map((rule) => ['rules', 'show', rule]),
        ...known.incident.slice(0, 5).map((id) => ['incident', id, '--json']),
      ]
      return inTurn(lines, async (args) => {
        const { output, errors } = await runHere(args, env)
        return { where: `falconer ${args.join(' ')}`, text: output + errors }
      })
    },
    'chat by rules': async () => {
      const questions = [
        'Which incidents are open?',
        'What happened in the worst incident?',
        'How did they get in?',
        'What should I fix first?',
        'What are the findings?',
        'What changed since yesterday?',
        'Who decided what about the worst incident?',
        'What is waiting for approval?',
        'Is anything silent?',
        ...known.rules.slice(0, 5).map((rule) => `Explain the rule “${rule}”`),
        // What it is asked is shown too.
        ...canaries.slice(0, perKind).map(({ text }) => `Is ${text} known?`),
      ]
      return inTurn(questions, async (text) => chatShown(site, text.slice(0, 1_500), { model: false }))
    },
    // Three at once: no more questions than that are told of as the next.
    'chat with a model that says them': async () =>
      inTurn([...Array(Math.ceil(count / 3)).keys()], async (at) => {
        api.answer(() => sayingAll(canaries.slice(at * 3, at * 3 + 3).map(({ text }) => text)))
        return chatShown(site, `What is it, number ${at}?`, { model: true })
      }),
    CloudEvents: async () => {
      await site.db.query(sql`update incident_notices set version = greatest(version, sent) + 1, next_at = null`)
      const before = receiver.received.length
      for (let more = true, rounds = 0; more && rounds < 200; rounds += 1) more = await tellAll()
      return receiver.received.slice(before).map(({ body }) => ({ where: 'CloudEvent', text: body }))
    },
    'the log': async () => {
      site.falconer.log.error('request failed', { error: new Error(canaries.map(({ text }) => text).join('\n')) })
      return [{ where: 'log', text: site.logged.join('\n') }]
    },
  }

  it('guarantee 6: each canary is really stored, in every kind of record', async () => {
    const kinds: Record<string, ReturnType<typeof sql<{ text: string }>>> = {
      alerts: sql`select convert_from(raw, 'UTF8') as text from alerts`,
      'dead letters': sql`select convert_from(raw, 'UTF8') as text from dead_letters`,
      findings: sql`select title as text from findings`,
      'what scanners say': sql`select data::text as text from finding_witnesses`,
      activities: sql`select properties::text || coalesce(error, '') as text from activities`,
      inventory: sql`select properties::text as text from entities`,
      notes: sql`select decision::text as text from incident_decisions`,
      proposals: sql`select reason as text from proposals`,
      'rules files': sql`select f::text as text from falco_rules f`,
    }
    for (const [kind, statement] of Object.entries(kinds)) {
      const all = (await site.db.query(statement)).map(({ text }) => text).join('\n')
      const missing = canaries.filter(({ core }) => !all.includes(core))
      expect(
        missing.map(({ text }) => text),
        kind,
      ).toEqual([])
    }
    // Stronger than masked: of environment no values are kept at all.
    const everything = await Promise.all(
      ['entities', 'relations'].map((table) => site.db.query(sql<{ text: string }>`select t::text as text from ${sql.table(table)} t`)),
    )
    expect(everything.flat().some(({ text }) => text.includes('envcanary'))).toBe(false)
  })

  it.each(Object.keys(families))('guarantee 6: %s show none of them, and would without masking', async (family) => {
    const ask = families[family] as () => Promise<Shown[]>
    masking.off = false
    const shown = await ask()
    expect(shown.length, 'asked').toBeGreaterThan(0)
    for (const { where, text } of shown) {
      const secret = found(text, canaries)
      if (secret !== null) expect.fail(`${family}, ${where}: ${secret}`)
    }
    masking.off = true
    const bare = await ask().finally(() => (masking.off = false))
    const seen = canaries.filter(({ core }) => bare.some(({ text }) => text.includes(core)))
    console.log(`${family}: ${shown.length} answers; without masking ${seen.length} of ${canaries.length} canaries stand in them`)
    expect(seen.length, 'without masking').toBeGreaterThan(0)
  })

  it('guarantee 6: counted', ({ task }) => {
    Object.assign(task.meta, { cases: canaries.length * Object.keys(families).length })
  })
})

const inTurn = async <T>(those: readonly T[], work: (one: T) => Promise<Shown | Shown[]>): Promise<Shown[]> => {
  const shown: Shown[] = []
  for (const one of those) shown.push(...[await work(one)].flat())
  return shown
}
/** Of each kind of address so many. */
const someOf = (paths: readonly string[]): string[] =>
  [...Map.groupBy(paths, (path) => path.replace(/\/[^/]{8,}|\/\d+|=[^&]*/g, '/…')).values()].flatMap((those) => those.slice(0, perKind))

/** What the hostile site has not: a rules file, environment of Pods through the real collector, and a note with each. */
async function plantMore(site: Site, texts: readonly string[]): Promise<void> {
  const { token } = site.people.administrator
  const send = async (path: string, body: string): Promise<void> => {
    const answer = await site.ask(`/api/v1/import?path=${path}`, { method: 'POST', as: { token }, body })
    expect(answer.status, await answer.clone().text()).toBe(200)
  }
  const rules = texts.map((text, at) => ({
    rule: `Canary rule ${at}`,
    desc: text,
    condition: `proc.cmdline contains ${JSON.stringify(text)}`,
    output: `${text} (%proc.cmdline)`,
    priority: 'NOTICE',
    tags: [text],
  }))
  await send('falco_rules.yaml&format=falco-rules', JSON.stringify(rules))
  const pods = texts.map((text, at) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `canary-${at}`, namespace: 'shop', uid: `canary-uid-${at}`, labels: {}, annotations: { note: text } },
    spec: {
      containers: [
        { name: 'app', image: 'shop/app:1', command: [text], args: [text], env: [{ name: 'DB_PASSWORD', value: `envcanary${at}` }] },
      ],
    },
    status: { phase: 'Running' },
  }))
  await send('pods.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items: pods }))
  await site.settle()
  const context = await toolContext(site, site.people.investigator)
  const [incident] = await site.db.query(sql<{ id: string }>`select id::text from incidents where merged_into is null order by id limit 1`)
  for (const [at, text] of texts.entries()) {
    await callTool(addNoteTool, context, { incident: incident?.id ?? '', text })
    const [pod] = await nodesNamed(site.db, `pod/shop/canary-${at}`, { limit: 1 })
    const asked = { action: 'kubernetes.collect_logs', entityId: String(pod?.id), params: {}, reason: text }
    await propose(site.falconer.responses, operator, { ...asked, incidentId: null, investigationId: null })
  }
}
