/**
 * Claude investigates, from Falco's post to the page: a real `falconer serve` asks a model behind a Messages API on this machine. The playbook answers at once, Claude
 * after it, step by step; a server that is stopped or killed in the middle goes on with what it had paid for; spent money is said wherever one looks.
 */
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createToken, invite, signInWithLink } from '../../auth/people.ts'
import { systemClock } from '../../domain/clock.ts'
import { systemPrincipal } from '../../domain/principal.ts'
import { loadScenario, toJsonLines } from '../../evals/scenario.ts'
import { chromiumPath, launchBrowser, looks, openPage } from '../support/browser.ts'
import { embeddedDatabase } from '../support/database.ts'
import { honestModel } from '../support/honest-model.ts'
import { caseIn } from '../support/analyst-site.ts'
import { type MessagesApi, messagesApi, replies } from '../support/messages-api.ts'
import { recordScan } from '../support/posture.ts'
import { run, runHere, type Running } from '../support/process.ts'
import { recordInventory } from '../support/shop.ts'

const screenshots = process.env.FALCONER_SCREENSHOTS
type Incident = { id: string; shortId: string; verdict: string | null }
type Investigation = { id: string; analyst: string; status: string; error: string | null; report: Record<string, unknown> | null }
type Steps = { investigation: { status: string }; steps: { number: number; kind: string; tool: string | null; text: string }[] }

describe('falconer serve with a model', { timeout: 240_000 }, () => {
  const story = loadScenario('shop-checkout-intrusion', new Date())
  let folder: string
  let api: MessagesApi
  let server: Running
  let url: string
  let secret: string
  let token: string
  let session: string
  let incident: Incident

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'falconer-claude-'))
    const db = await embeddedDatabase(folder)
    const context = { db, clock: systemClock }
    const by = { principal: systemPrincipal, channel: 'cli' } as const
    const link = await invite(context, by, 'Ada', 'administrator')
    ;({ token } = await createToken(context, by, { userId: link.user.id, name: 'tests', role: 'administrator', days: 1 }))
    ;({ token: session } = await signInWithLink(context, link.token, 'test'))
    await recordInventory(db, systemClock, 'lab', story.objects)
    await recordScan(db, systemClock, 'lab', story.trivy)
    await db.close()
    api = await messagesApi()
    await start()
    secret = /fls_[\w-]{32}/.exec(server.output())?.[0] ?? ''
  }, 240_000)
  afterAll(async () => {
    server?.child.kill('SIGKILL')
    await server?.ended
    await api?.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function start(env: Record<string, string> = {}): Promise<void> {
    const model = { ANTHROPIC_API_KEY: 'sk-ant-api03-of-nobody-at-all-0123456789', ANTHROPIC_BASE_URL: api.url }
    server = run(['--data', folder, 'serve', '--port', '0'], { FALCONER_LOG: 'warn', FALCONER_SCOPE: 'lab', ...model, ...env })
    await server.says(/Ctrl-C stops it/, 200_000)
    url = /serves at (\S+)/.exec(server.output())?.[1] ?? ''
  }
  async function ends(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    server.child.kill(signal)
    return server.ended
  }
  const falconer = (...args: string[]): ReturnType<typeof runHere> => runHere(['--data', folder, ...args], { FALCONER_TOKEN: token })
  async function get<T>(path: string): Promise<T> {
    const answer = await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } })
    return (await answer.json()) as T
  }
  const page = async (path: string): Promise<string> =>
    (await fetch(url + path, { headers: { cookie: `falconer_session=${session}` } })).text()
  const post = async (alerts: readonly object[]): Promise<void> => {
    const answer = await fetch(`${url}/ingest/falco/${secret}`, { method: 'POST', body: toJsonLines(alerts as typeof story.alerts) })
    expect(answer.status).toBe(200)
  }
  const ask = async (id: string): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${url}/api/v1/incidents/${id}/investigate`, { method: 'POST', headers, body: '{"analyst":"claude"}' })
    return answer.json()
  }
  const ended = async (id: string): Promise<Investigation> => {
    await expect
      .poll(async () => (await get<Investigation>(`/investigations/${id}`)).status, { timeout: 90_000, interval: 250 })
      .not.toBe('running')
    return get<Investigation>(`/investigations/${id}`)
  }
  const newest = async (id: string): Promise<Investigation> =>
    (await get<{ investigations: [Investigation] }>(`/incidents/${id}`)).investigations[0]
  /** Another intrusion, in a place of its own. */
  async function another(name: string): Promise<void> {
    const [one] = story.alerts.filter(({ priority }) => priority === 'Critical')
    const fields = {
      ...one?.output_fields,
      'k8s.pod.name': name,
      'container.id': createHash('sha256').update(name).digest('hex').slice(0, 12),
      'proc.cmdline': `/tmp/${name}`,
    }
    await post([
      { ...one, output: name, time: new Date().toISOString(), output_fields: { ...fields, 'k8s.pod.uid': null, 'evt.time': undefined } },
    ])
  }
  const stepsOf = async (id: string): Promise<Steps['steps']> => (await get<Steps>(`/investigations/${id}/steps`)).steps
  async function shoot(name: string, path: string): Promise<void> {
    if (screenshots === undefined || chromiumPath === undefined) return
    mkdirSync(screenshots, { recursive: true })
    const browser = await launchBrowser()
    for (const look of looks) {
      const context = await browser.newContext({ viewport: { width: look.width, height: 900 }, colorScheme: look.scheme })
      await context.addCookies([{ name: 'falconer_session', value: session, url }])
      const { page: shown, complaints } = await openPage(context)
      await shown.goto(url + path)
      await shown.screenshot({ path: join(screenshots, `${name}-${look.width}-${look.scheme}.png`), fullPage: true })
      expect(
        await shown.evaluate('document.documentElement.scrollWidth <= innerWidth'),
        `${name} at ${look.width} is not wider than its window`,
      ).toBe(true)
      expect(complaints).toEqual([])
      await context.close()
    }
    await browser.close()
  }

  it('answers by the playbook at once, then Claude reads it through tools, step by step, and what it says stands in records', async () => {
    const held = Promise.withResolvers<void>()
    api.answer(honestModel({ before: async (turn) => (turn === 1 ? held.promise : undefined) }))
    await post(story.alerts)
    await expect
      .poll(async () => (await get<{ incidents: Incident[] }>('/incidents')).incidents[0]?.verdict ?? null, { timeout: 60_000 })
      .toBe('true_positive')
    ;[incident] = (await get<{ incidents: [Incident] }>('/incidents')).incidents
    await expect.poll(() => api.asked.length, { timeout: 60_000 }).toBe(2)
    // The playbook's report stands while Claude is at work, and each step is there as it was done.
    const running = await page(`/incidents/${incident.id}`)
    for (const said of [
      'Written by the playbook (no model)',
      'Claude is investigating',
      'get_process_tree',
      'Asked because',
      'So far 2 calls',
    ])
      expect(running).toContain(said)
    await shoot('running', `/incidents/${incident.id}`)
    held.resolve()
    await expect
      .poll(() => page(`/incidents/${incident.id}`), { timeout: 60_000 })
      .toMatch(
        /Written by claude-sonnet-5-5, prompt analyst\/investigate v[0-9a-f]{8}, 3 calls, 33,000 tokens \(82% from cache\), \$0\.\d\d/,
      )
    const claude = await ended((await newest(incident.id)).id)
    expect(claude).toMatchObject({ analyst: 'claude', status: 'done', report: { verdict: 'true_positive', ungrounded: 0, partial: null } })
    expect((await stepsOf(claude.id)).map(({ kind, tool }) => tool ?? kind)).toEqual([
      'began',
      'said',
      'get_process_tree',
      'get_process_tree',
      'said',
      'get_coverage',
      'get_coverage',
      'drafted',
      'done',
    ])
    const { proposals } = await get<{ proposals: { action: string; investigationId: string }[] }>('/proposals')
    expect(proposals.map(({ action }) => action)).toContain('kubernetes.isolate_pod')
    await shoot('done', `/incidents/${incident.id}`)
  })

  it('has two at once, and a person follows one on the terminal', async () => {
    const both = Promise.withResolvers<void>()
    const about = new Set<unknown>()
    api.answer(
      honestModel({
        before: async (_turn, asked) => {
          about.add(caseIn(asked).incident.id)
          if (about.size === 2) both.resolve()
          await both.promise
        },
      }),
    )
    await another('basket-1')
    await another('search-1')
    await expect.poll(() => about.size, { timeout: 60_000 }).toBe(2)
    const { incidents } = await get<{ incidents: Incident[] }>('/incidents')
    const [one, two] = incidents.filter(({ id }) => about.has(id)) as [Incident, Incident]
    for (const { id } of [one, two])
      expect(await ended((await newest(id)).id)).toMatchObject({ analyst: 'claude', status: 'done', report: { partial: null } })
    const { code, output, errors } = await falconer('investigate', one.shortId, '--analyst', 'claude', '--follow')
    expect({ code, output, errors }).toMatchObject({
      code: 0,
      output: expect.stringMatching(/Written by claude-sonnet-5-5, .*3 calls/) as string,
    })
    for (const said of [/ get_process_tree {2}[\d.]+ K?B in /, / get_coverage {2}/, /Who started the shell/]) expect(errors).toMatch(said)
    const spent = await falconer('spend')
    expect(spent.output).toMatch(/: 12 calls, 132,000 tokens \(82% from cache\), \$0\.\d\d\. The cap of a month is \$100\.00\./)
    expect(spent.output).toMatch(/investigation +claude-sonnet-5-5 +0 +12 /)
  })

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    '%s in the middle: the next start goes on under the same id, and pays for no answer twice',
    async (signal) => {
      const name = `cart-${signal.toLowerCase()}`
      const asked: number[] = []
      let [waiting, stopped] = [false, false]
      const script = honestModel({ before: (turn) => void asked.push(turn) })
      api.answer(async (one) => {
        const turn = one.body.messages.filter(({ role }) => role === 'assistant').length
        if (turn < 2 || stopped) return script(one)
        waiting = true
        return replies.hang()
      })
      await another(name)
      await expect.poll(() => waiting, { timeout: 60_000 }).toBe(true)
      const { incidents } = await get<{ incidents: (Incident & { title: string })[] }>('/incidents')
      const running = await Promise.all(incidents.map(async ({ id }) => newest(id)))
      const { id } = running.find(({ status }) => status === 'running') as Investigation
      expect(await ends(signal)).toBe(signal === 'SIGTERM' ? 0 : null)
      stopped = true
      await start()
      expect(await ended(id)).toMatchObject({ status: 'done', report: { partial: null, spend: { calls: 4 } } })
      // The third was asked, and cut off, and asked again.
      expect(asked).toEqual([0, 1, 2])
      const steps = await stepsOf(id)
      expect(steps.filter(({ kind }) => kind === 'began').map(({ text }) => text)).toEqual(['', expect.stringMatching(/cut off/)])
      expect(steps.at(-1)?.kind).toBe('done')
    },
  )

  it('whose budget is spent says so: the playbook’s report stands, with why, and what was paid', async () => {
    await ends('SIGTERM')
    await start({ FALCONER_MODEL_CALLS: '2' })
    api.answer(honestModel())
    await another('ledger-1')
    await expect.poll(() => api.asked.at(-1)?.text.includes('ledger-1'), { timeout: 60_000 }).toBe(true)
    const { incidents } = await get<{ incidents: Incident[] }>('/incidents')
    const [fresh] = (
      await Promise.all(incidents.map(async (one) => ({ one, is: (await page(`/incidents/${one.id}`)).includes('ledger-1') })))
    ).filter(({ is }) => is)
    const id = fresh?.one.id ?? ''
    const { id: partial } = await ended((await newest(id)).id)
    const why = [
      'The model stopped after 2 calls',
      'The budget of 2 calls of the model is spent (FALCONER_MODEL_CALLS)',
      'What stands here is the playbook’s',
    ]
    // The playbook's own stands first; that a model began, and why it came to no end, stands beside it.
    const first = await page(`/incidents/${id}`)
    for (const said of ['Written by the playbook (no model)', '<span class="badge suspicious">incomplete</span>', ...why])
      expect(first).toContain(said)
    const shown = await page(`/incidents/${id}?report=${partial}`)
    for (const said of [
      '<strong>Incomplete.</strong>',
      'Written by the playbook, after claude-sonnet-5-5 came to no end',
      ...why,
      '2 calls, 22,000 tokens (82% from cache), $0.02',
    ])
      expect(shown).toContain(said)
    await shoot('partial-beside', `/incidents/${id}`)
    await shoot('partial', `/incidents/${id}?report=${partial}`)
  })

  it('whose month is spent asks no more, and says so wherever one looks', async () => {
    await ends('SIGTERM')
    await start({ FALCONER_MODEL_USD_MONTH: '0.05' })
    const before = api.asked.length
    await another('orders-1')
    await expect.poll(() => page('/incidents'), { timeout: 60_000 }).toContain('The month’s cap for models is reached')
    const { incidents } = await get<{ incidents: Incident[] }>('/incidents')
    const answer = await ask(incidents[0]?.id ?? '')
    expect(answer).toMatchObject({ status: 409, detail: expect.stringMatching(/cap of \$0\.05/) as string })
    expect((await falconer('spend')).output).toContain('it is reached: no model is asked')
    expect(api.asked.length).toBe(before)
    await shoot('capped', '/incidents')
    expect(await ends('SIGTERM')).toBe(0)
    expect(server.errors()).not.toMatch(/Error|at file:/)
  })
})
