/**
 * `falconer slack serve`, a process of its own beside a server on the same Postgres: it says what it does, answers, posts cards, and its buttons decide; it plans
 * and runs nothing, serves no page, and ends in time when it is told to, whatever Slack does. Tokens that are missing or refused are said at once.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { invite } from '../../auth/people.ts'
import { systemClock } from '../../domain/clock.ts'
import type { Role } from '../../domain/principal.ts'
import { slackActions } from '../../notify/slack/actions.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { propose } from '../../responses/propose.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { findEntity } from '../../store/entities.ts'
import { approvalsOf, getProposal } from '../../store/proposals.ts'
import { insertSlackLink } from '../../store/slack-links.ts'
import { serverDatabase, serverUrl } from '../support/database.ts'
import { ada } from '../support/executor-bench.ts'
import { run, runHere, type Running } from '../support/process.ts'
import { podUid, recordInventory, type Shop, startShop } from '../support/shop.ts'
import { operator } from '../support/site.ts'
import { SlackSocket } from '../support/slack-socket.ts'
import { botToken, buttonsOf, readable, type Shown, signed, signingSecret, SlackWorkspace, team } from '../support/slack-workspace.ts'
import { recordStory } from '../support/story.ts'

const until = (check: () => unknown): Promise<unknown> => vi.waitFor(check, { timeout: 60_000, interval: 50 })
const nowhere = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }
const appToken = 'xapp-of-this-test-only'
const publicUrl = 'https://falconer.example.org'

describe('falconer slack serve, set up wrongly', () => {
  let workspace: SlackWorkspace
  beforeAll(async () => {
    workspace = await SlackWorkspace.open()
  })
  afterAll(async () => workspace.close())

  it.each<[string, Record<string, string>, RegExp]>([
    ['no Postgres', { FALCONER_SLACK_BOT_TOKEN: botToken, FALCONER_SLACK_APP_TOKEN: appToken }, /set DATABASE_URL/],
    ['no bot token', { ...nowhere, FALCONER_SLACK_APP_TOKEN: appToken }, /FALCONER_SLACK_BOT_TOKEN is not set: docs\/slack\.md/],
    ['what is no bot token', { ...nowhere, FALCONER_SLACK_BOT_TOKEN: appToken }, /FALCONER_SLACK_BOT_TOKEN.*begins with xoxb-/],
    [
      'an app token that Slack refuses',
      { ...nowhere, FALCONER_SLACK_BOT_TOKEN: botToken, FALCONER_SLACK_APP_TOKEN: appToken },
      /Slack does not take FALCONER_SLACK_APP_TOKEN: Slack does not know it/,
    ],
  ])('with %s: says so, and ends', async (_what, env, says) => {
    const { code, output, errors } = await runHere(['slack', 'serve'], { FALCONER_SLACK_API_URL: workspace.url, ...env })
    expect([code, output]).toEqual([1, ''])
    expect(errors).toMatch(says)
  })

  it('with a bot token that was revoked: says so, and ends', async () => {
    workspace.fails = ({ method }) => (method === 'auth.test' ? { ok: false, error: 'token_revoked' } : null)
    const env = {
      ...nowhere,
      FALCONER_SLACK_API_URL: workspace.url,
      FALCONER_SLACK_BOT_TOKEN: botToken,
      FALCONER_SLACK_APP_TOKEN: appToken,
    }
    const { code, errors } = await runHere(['slack', 'serve'], env)
    expect(code).toBe(1)
    expect(errors).toMatch(/Slack does not take FALCONER_SLACK_BOT_TOKEN: it was revoked\. Install the app again/)
  })
})

describe.skipIf(serverUrl === undefined)('falconer slack serve', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'falconer-slack-serve-'))
  let own: Awaited<ReturnType<typeof serverDatabase>>
  let db: Database
  let shop: Shop
  let workspace: SlackWorkspace
  let socket: SlackSocket
  let child: Running | null = null
  beforeAll(async () => {
    own = await serverDatabase(serverUrl as string)
    db = await openDatabase({ url: own.url })
    workspace = await SlackWorkspace.open(['ada', 'bob', 'eve'])
    shop = await startShop(systemClock, { policy: loadPolicy() })
    await recordInventory(db, systemClock, 'lab')
    await link('ada', 'investigator')
    await link('bob', 'responder')
  }, 240_000)
  afterAll(async () => {
    await shop.stop()
    await workspace.close()
    await db.close()
    await own.drop()
    rmSync(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    socket = await SlackSocket.open()
    workspace.socketUrl = socket.url
    workspace.fails = () => null
  })
  afterEach(async () => {
    child?.child.kill('SIGKILL')
    await child?.ended
    child = null
    await socket.close()
  })

  async function link(name: string, role: Role): Promise<void> {
    const { user } = await invite({ db, clock: systemClock }, operator, `Somebody ${name}`, role)
    await db.transaction(async (tx) => insertSlackLink(tx, { team, user: workspace.user(name) }, user.id, new Date()))
  }
  const common = () => ({
    DATABASE_URL: own.url,
    FALCONER_DATA: folder,
    FALCONER_SLACK_BOT_TOKEN: botToken,
    FALCONER_SLACK_API_URL: workspace.url,
    FALCONER_SLACK_CHANNEL: workspace.channel,
    FALCONER_PUBLIC_URL: publicUrl,
    FALCONER_LOG: 'warn',
  })
  const start = async (env: Record<string, string>, ...args: string[]): Promise<Running> => {
    child = run(['slack', 'serve', ...args], env)
    await child.says(/Ctrl-C stops this\./)
    return child
  }
  const overSocket = (over: Record<string, string> = {}): Promise<Running> =>
    start({ ...common(), FALCONER_SLACK_APP_TOKEN: appToken, ...over })
  const connected = (): Promise<unknown> => until(() => expect(socket.connections).toBeGreaterThan(0))
  /** Told to end: its exit code, and how long it took. */
  const end = async (running: Running): Promise<{ code: number | null; ms: number }> => {
    const from = performance.now()
    running.child.kill('SIGTERM')
    return { code: await running.ended, ms: performance.now() - from }
  }
  const cardOf = async (path: string): Promise<Shown> => {
    let found: Shown | undefined
    await until(async () => {
      found = (await workspace.messages()).find(({ blocks }) =>
        buttonsOf({ blocks: blocks ?? [] }).some(({ url }) => url === `${publicUrl}${path}`),
      )
      expect(found).toBeDefined()
    })
    return found as Shown
  }
  const hears = async (body: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const id = socket.send(body)
    await until(() => expect(socket.answerTo(id)).toBeDefined())
    return socket.answerTo(id)?.payload ?? {}
  }

  it('says what it does, answers, posts cards, and its buttons decide; it runs nothing that was approved', async () => {
    const running = await overSocket()
    expect(running.output()).toMatch(/falconer in .+, heard over Socket Mode/)
    expect(running.output()).toMatch(
      /Cards +told from here[\s\S]*Links +lead to https:\/\/falconer\.example\.org\n[\s\S]*run by the server on the same Postgres/,
    )
    expect(running.output()).not.toMatch(/Listens/)
    await connected()
    // What is told is what comes from now on.
    const { id: incident } = await recordStory(db, systemClock, 'shop')

    await hears(await workspace.mention('ada', 'which incidents are open?'))
    await until(() => expect(readable(workspace.of('chat.update').at(-1)?.blocks)).toMatch(/open incident[\s\S]*Written by rules/))
    expect(JSON.stringify(workspace.of('chat.update').at(-1)?.blocks)).toContain(`${publicUrl}/incidents/${incident}`)

    await hears(await workspace.click('ada', await cardOf(`/incidents/${incident}`), slackActions.assign))
    await until(async () => expect((await decisionsOf(db, incident)).map(({ decision }) => decision.kind)).toEqual(['note']))

    const responses = {
      db,
      clock: systemClock,
      policy: shop.policy,
      actionsEnabled: false,
      executor: shop.executor,
      privateKey: shop.keys.privateKey,
    }
    const pod = await findEntity(db, { kind: 'pod', scope: 'lab', key: podUid })
    const wanted = {
      action: 'kubernetes.collect_logs',
      entityId: String(pod?.id),
      params: { tailLines: 50 },
      reason: 'look',
      incidentId: null,
      investigationId: null,
    }
    const { proposal } = await propose(responses, ada, wanted)
    await planProposal(responses, shop.executor, proposal.id)
    await hears(await workspace.click('bob', await cardOf(`/proposals/${proposal.id}`), slackActions.approve))
    await until(() => expect(workspace.form).toBeDefined())
    expect(JSON.stringify(await hears(workspace.submit('bob', 'go')))).toContain('You approved it; it runs now.')
    expect((await approvalsOf(db, proposal.id)).map(({ name, channel }) => [name, channel])).toEqual([['Somebody bob', 'slack']])
    // Long enough for a server’s loops to have taken it.
    await new Promise((resume) => setTimeout(resume, 6_000))
    expect((await getProposal(db, { id: proposal.id }))?.state).toBe('approved')
    expect(JSON.stringify(await hears(workspace.command('eve', 'incidents')))).toContain('/falconer link')

    const { code, ms } = await end(running)
    expect(code, running.errors()).toBe(0)
    expect(ms).toBeLessThan(5_000)
    expect(running.output()).toContain('Stopping.')
    expect(running.errors()).toBe('')
  })

  it('ends in time while a question and a click are at work and Slack is silent', async () => {
    const running = await overSocket()
    await connected()
    let silent = 0
    workspace.fails = () => {
      silent += 1
      return new Promise(() => {})
    }
    socket.send(await workspace.mention('ada', 'which incidents are open?'))
    socket.send(await workspace.press('eve', '1.1', slackActions.assign, 'nonsense'))
    await until(() => expect(silent).toBeGreaterThan(0))
    const { code, ms } = await end(running)
    expect(code, running.errors()).toBe(0)
    expect(ms).toBeLessThan(15_000)
  })

  it('starts without Slack, and says so', async () => {
    const away = await start({ ...common(), FALCONER_SLACK_APP_TOKEN: appToken, FALCONER_SLACK_API_URL: 'http://127.0.0.1:9/api/' })
    expect(away.output()).toMatch(/Slack does not answer: .+ It is tried again/)
    expect((await end(away)).code).toBe(0)
  })

  it('over HTTP is heard at its own address, which has no page, no API and takes no alerts', async () => {
    const running = await start({ ...common(), FALCONER_SLACK_SIGNING_SECRET: signingSecret }, '--port', '0')
    const [, port = ''] = await running.says(/Listens +on 127\.0\.0\.1 port (\d+), at \/slack\/events/)
    const at = `http://127.0.0.1:${port}`
    const post = (body: Record<string, unknown>, headers: Record<string, string> = {}): Promise<Response> => {
      const { body: text, headers: signature } = signed(body)
      return fetch(`${at}/slack/events`, { method: 'POST', body: text, headers: { ...signature, ...headers } })
    }
    expect(await (await post(workspace.command('ada', 'help'))).text()).toContain('/falconer incidents')
    // Links lead to the pages of the other server.
    expect(await (await post(workspace.command('eve', 'link'))).text()).toContain(`${publicUrl}/slack/link/fls_`)
    expect((await post(workspace.command('ada', 'help'), { 'x-slack-signature': `v0=${'0'.repeat(64)}` })).status).toBe(401)
    expect((await fetch(`${at}/healthz`)).status).toBe(200)
    for (const path of [
      '/',
      '/incidents',
      '/sign-in',
      '/api/v1/status',
      '/api/v1/openapi.json',
      '/mcp',
      '/oauth/authorize',
      '/assets/x/style.css',
    ])
      expect((await fetch(`${at}${path}`, { redirect: 'manual' })).status, path).toBe(404)
    expect((await fetch(`${at}/ingest/falco/anything`, { method: 'POST', body: '{}' })).status).toBe(404)
    await post(await workspace.mention('ada', 'is anything silent?'))
    await until(() => expect(readable(workspace.of('chat.update').at(-1)?.blocks)).toContain('Written by rules'))
    const { code, ms } = await end(running)
    expect(code, running.errors()).toBe(0)
    expect(ms).toBeLessThan(10_000)
  })

  it('says which port is taken, and ends', async () => {
    const taken = new URL(workspace.url).port
    const env = { ...common(), FALCONER_SLACK_SIGNING_SECRET: signingSecret }
    child = run(['slack', 'serve', '--port', taken], env)
    expect(await child.ended).toBe(1)
    expect(child.errors()).toContain(`Port ${taken} on 127.0.0.1 is in use`)
  })
})
