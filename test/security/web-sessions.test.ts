/**
 * Guarantees 11 and 19 on every route, over the real app: cookies, headers, sessions that end, who
 * decides, where signing in leads, and secrets that stay out of logs.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { safeNext } from '../../apps/server/urls.ts'
import { webRoutes } from '../../apps/web/pages.ts'
import { addSource } from '../../apps/server/sources.ts'
import { invite, newLinkFor, setDisabled, setRole, signInWithLink } from '../../auth/people.ts'
import { listAudit } from '../../store/audit.ts'
import type { Database } from '../../store/database.ts'
import { listProposals } from '../../store/proposals.ts'
import { fingerprint } from '../support/fingerprint.ts'
import { openSite, operator, type Site } from '../support/site.ts'
import { alertOfShop } from '../support/shop-alert.ts'

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
const changing = webRoutes.filter((one) => one.kind !== 'page' && one.permission !== 'public')
const filled = (path: string): string => path.replace(/:\w+/g, '00000000-0000-4000-8000-000000000000')
const codeOf = async (answer: Response): Promise<string> => ((await answer.json()) as { code: string }).code

let site: Site
let proposalId: string
let planHash: string
beforeAll(async () => {
  site = await openSite({ shop: true })
  await site.ingest(JSON.stringify(alertOfShop()))
  await site.settle()
  const [proposal] = await listProposals(site.db, { states: ['pending'] }, 1)
  proposalId = proposal?.id ?? ''
  planHash = proposal?.planHash ?? ''
  expect(planHash).toMatch(/^v1:/)
})
afterAll(async () => site.close())
afterEach(() => vi.restoreAllMocks())

describe('behind https', () => {
  let secure: Site
  beforeAll(async () => {
    secure = await openSite({ config: { FALCONER_PUBLIC_URL: 'https://falconer.example.org' }, host: 'falconer.example.org' })
  })
  afterAll(async () => secure.close())

  it('sets a __Host- cookie that is HttpOnly, Secure, SameSite, and says to stay on https', async () => {
    const link = await invite(secure.falconer.auth, operator, 'Hana', 'viewer')
    const answer = await secure.ask(`/sign-in/${link.token}`, { form: {} })
    expect(answer.status).toBe(303)
    const cookie = answer.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^__Host-falconer=[\w-]{36};/)
    for (const part of ['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/']) expect(cookie).toContain(part)
    expect(cookie).not.toMatch(/Domain/i)
    expect(answer.headers.get('strict-transport-security')).toBe('max-age=31536000')
  })
  it('refuses the same name over http as an origin, and this machine’s other ports', async () => {
    for (const [host, origin] of [
      ['falconer.example.org', 'http://falconer.example.org'],
      ['falconer.example.org', 'http://localhost'],
      ['localhost:8765', 'http://localhost:3000'],
    ] as const) {
      const answer = await secure.ask('/incidents', { as: secure.people.viewer, headers: { host, origin } })
      expect([answer.status, await codeOf(answer)], `${host} ${origin}`).toEqual([403, 'origin'])
    }
    const own = { host: 'internal:8765', origin: 'https://falconer.example.org' }
    expect((await secure.ask('/incidents', { as: secure.people.viewer, headers: own })).status).toBe(403)
    expect((await secure.ask('/incidents', { as: secure.people.viewer, headers: { origin: own.origin } })).status).toBe(200)
  })
  it('does not take a cookie that is not __Host-', async () => {
    const headers = { cookie: `falconer_session=${secure.people.viewer.session}` }
    expect((await secure.ask('/incidents', { headers })).status).toBe(401)
  })
})

describe('every answer', () => {
  it('has the strict policy, whatever its status', async () => {
    const { administrator, viewer } = site.people
    const seen: number[] = []
    const broken = async (path: string, error: Error): Promise<Response> => {
      vi.spyOn(site.falconer.db as Database, 'query').mockRejectedValue(error)
      const answer = await site.ask(path, { as: administrator, headers: { accept: 'text/html' } })
      vi.restoreAllMocks()
      return answer
    }
    const html = { accept: 'text/html' }
    const answers = [
      await site.ask('/incidents', { as: viewer, headers: html }),
      await site.ask('/', { as: viewer }),
      await site.ask('/incidents', { headers: html }),
      await site.ask('/incidents'),
      await site.ask('/sources', { as: administrator, form: {} }),
      await site.ask('/people', { as: viewer, headers: html }),
      await site.ask('/incidents/x', { as: viewer, headers: html }),
      await site.ask('/incidents', { as: viewer, method: 'PUT' }),
      await site.ask('/sources', { as: administrator, body: 'x'.repeat(1_100_000), method: 'POST' }),
      await site.ask('/assets/x/style.css'),
      await site.ask('/', { headers: { host: 'evil.example' } }),
      await broken('/incidents', new Error('bug')),
      await broken('/incidents', Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })),
    ]
    for (const answer of answers) {
      seen.push(answer.status)
      expect(answer.headers.get('content-security-policy')).toBe(policy)
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
      expect(answer.headers.get('referrer-policy')).toBe('same-origin')
      expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin')
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      expect(await answer.text()).not.toMatch(/<script>|<style|\son\w+=|javascript:/)
    }
    expect(seen).toEqual([200, 302, 302, 401, 400, 403, 404, 405, 413, 200, 403, 500, 503])
    expect(answers.at(-1)?.headers.get('retry-after')).toBe('5')
  })
  it('is kept by nobody, unless it is a file of ours', async () => {
    for (const path of ['/incidents', '/api/v1/status', '/sign-in', '/nowhere'])
      expect((await site.ask(path, { as: site.people.viewer })).headers.get('cache-control'), path).toBe('no-store')
  })
  it('of this machine has a cookie without Secure, but HttpOnly and SameSite', async () => {
    const link = await invite(site.falconer.auth, operator, 'Ivo', 'viewer')
    const cookie = (await site.ask(`/sign-in/${link.token}`, { form: {} })).headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/^falconer_session=[\w-]{36}; .*HttpOnly; SameSite=Lax/)
  })
})

describe('a session', () => {
  it('ends at once when its person is disabled, and so do their tokens and open event streams', async () => {
    const gone = await site.visitor('Gone', 'responder')
    const standing = site.falconer.changes.listenerCount('change')
    const stream = (await site.ask('/events', { as: gone })).body?.getReader()
    expect(new TextDecoder().decode((await stream?.read())?.value)).toContain('event: alive')
    expect((await site.ask('/incidents', { as: gone })).status).toBe(200)
    await setDisabled(site.falconer.auth, operator, gone.id, true)
    site.falconer.changed('people')
    expect((await site.ask('/incidents', { as: gone })).status).toBe(401)
    expect((await site.ask('/api/v1/status', { as: { token: gone.token } })).status).toBe(401)
    expect(await stream?.read()).toEqual({ done: true, value: undefined })
    await setDisabled(site.falconer.auth, operator, gone.id, false)
    expect((await site.ask('/incidents', { as: gone })).status).toBe(401)
    expect(site.falconer.changes.listenerCount('change')).toBe(standing)
  })
  it('has the role its person has now', async () => {
    const lowered = await site.visitor('Lowered', 'administrator')
    await setRole(site.falconer.auth, operator, lowered.id, 'viewer')
    expect((await site.ask('/people', { as: lowered })).status).toBe(403)
    expect((await site.ask('/api/v1/users', { as: { token: lowered.token } })).status).toBe(403)
  })
  it('ends when its person signs out, in this browser only', async () => {
    const twice = await site.visitor('Twice', 'viewer')
    const link = await newLinkFor(site.falconer.auth, operator, twice.id)
    const { token } = await signInWithLink(site.falconer.auth, link.token, null)
    const answer = await site.ask('/sign-out', { as: twice, form: {} })
    expect(answer.headers.get('set-cookie')).toMatch(/falconer_session=;.*Max-Age=0/)
    expect((await site.ask('/incidents', { as: twice })).status).toBe(401)
    expect((await site.ask('/incidents', { headers: { cookie: `falconer_session=${token}` } })).status).toBe(200)
  })
  it('is over after 72 idle hours; an open page alone does not keep it', async () => {
    const idle = await site.visitor('Idle', 'viewer')
    const stream = (await site.ask('/events', { as: idle })).body?.getReader()
    await stream?.read()
    for (let hours = 0; hours < 73; hours += 1) {
      site.clock.advance(3_600_000)
      if (hours !== 70) continue
      site.falconer.changed('people')
      expect(new TextDecoder().decode((await stream?.read())?.value)).toContain('people')
    }
    expect((await site.ask('/incidents', { as: idle })).status).toBe(401)
    await stream?.cancel()
    site.clock.advance(-73 * 3_600_000)
  })
})

describe('who decides', () => {
  it('is a person: no token approves, whatever its role', async () => {
    const before = await fingerprint(site.db, ['api_tokens'])
    for (const visitor of Object.values(site.people)) {
      const answer = await site.ask(`/api/v1/proposals/${proposalId}/approve`, { as: { token: visitor.token }, json: { planHash } })
      expect([answer.status, await codeOf(answer)], visitor.role).toEqual([403, 'entitlement'])
      const onPage = await site.ask(`/proposals/${proposalId}/decide`, { as: { token: visitor.token }, form: { do: 'approve', planHash } })
      expect([onPage.status, await codeOf(onPage)], visitor.role).toEqual([403, 'person_only'])
    }
    expect(await fingerprint(site.db, ['api_tokens'])).toBe(before)
  })
  it('is not made out of a token: it can give itself no link, no passkey and no other token', async () => {
    const as = { token: site.people.administrator.token }
    const attempts = [
      ['/api/v1/users', { name: 'Mallory', role: 'responder' }],
      [`/api/v1/users/${site.people.administrator.id}/link`, {}],
      ['/api/v1/tokens', { name: 'more', role: 'administrator' }],
      ['/account/passkeys/options', {}],
      ['/account/passkeys', {}],
    ] as const
    for (const [path, json] of attempts) {
      const answer = await site.ask(path, { as, json })
      expect([answer.status, await codeOf(answer)], path).toEqual([403, 'person_only'])
    }
  })
  it('is no viewer: they can post nothing but what is their own', async () => {
    const own = /^\/(account|chat|slack\/link|oauth\/authorize|sign-out|sign-in|passkeys)/
    for (const one of changing.filter(({ path }) => !own.test(path))) {
      const answer = await site.ask(filled(one.path).replace(/0{8}-[\w-]+/, proposalId), {
        as: site.people.viewer,
        form: { do: 'approve', planHash },
      })
      expect([answer.status, await codeOf(answer)], one.path).toEqual([403, 'entitlement'])
    }
    expect((await listProposals(site.db, { states: ['pending'] }, 10)).map((one) => one.id)).toContain(proposalId)
  })
  it('reaches only what is theirs: nobody revokes another’s token or removes another’s passkey', async () => {
    const tokens = await site.ask('/api/v1/tokens', { as: site.people.responder })
    const { id } = ((await tokens.json()) as { tokens: { id: string }[] }).tokens[0] as { id: string }
    const { administrator, viewer, investigator } = site.people
    expect((await site.ask(`/account/tokens/${id}/revoke`, { as: administrator, form: {} })).status).toBe(404)
    for (const as of [viewer, investigator, { token: viewer.token }])
      expect((await site.ask(`/api/v1/tokens/${id}`, { method: 'DELETE', as, ...('csrf' in as ? { json: {} } : {}) })).status).toBe(404)
    expect((await site.ask('/api/v1/status', { as: { token: site.people.responder.token } })).status).toBe(200)
    expect(((await (await site.ask('/api/v1/tokens', { as: viewer })).json()) as { tokens: unknown[] }).tokens).toHaveLength(1)
    expect((await site.ask('/account/passkeys/remove', { as: viewer, form: { id: 'another' } })).status).toBe(404)
  })
})

describe('where signing in leads', () => {
  it('is a path of ours and never another site', async () => {
    for (const next of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      'javascript:alert(1)',
      '/%09/evil',
      '/\t/evil',
      'evil',
      '/a b',
      '/x#//y',
      '/..//evil.example\n',
    ])
      expect(safeNext(next), next).toBe('/')
    for (const next of ['/approvals', '/incidents?show=quiet&cursor=5_1', '/']) expect(safeNext(next)).toBe(next)
    const page = await (await site.ask('/sign-in?next=//evil.example')).text()
    expect(page).not.toContain('evil.example')
  })
  it('keeps where a reader wanted to go, and not what a form would have done', async () => {
    const html = { accept: 'text/html' }
    const asked = await site.ask('/incidents?show=quiet', { headers: html })
    expect(asked.headers.get('location')).toBe('/sign-in?next=%2Fincidents%3Fshow%3Dquiet')
    const posted = await site.ask(`/proposals/${proposalId}/decide`, { form: {}, headers: html })
    expect(posted.headers.get('location')).toBe('/sign-in')
    const rude = await site.ask('//evil.example/incidents', { headers: html })
    expect(rude.headers.get('location') ?? '').not.toMatch(/^(\/\/|https?:)/)
  })
})

describe('secrets', () => {
  it('in an address stay out of the log, even when the request fails in a way we did not foresee', async () => {
    const { token } = await invite(site.falconer.auth, operator, 'Jo', 'viewer')
    const secrets = [site.secret, token, 'fls_wrongwrongwrongwrongwrong', 'neither-kind-of-secret-4711', site.people.viewer.token]
    site.logged.length = 0
    vi.spyOn(site.falconer.db as Database, 'query').mockImplementation(async () => {
      throw new Error(`no such thing as ${secrets.slice(0, 3).join(' or ')} or ${site.people.viewer.token}`)
    })
    for (const secret of secrets) {
      expect((await site.ask(`/ingest/falco/${secret}`, { body: '{}', method: 'POST' })).status).toBe(500)
      expect((await site.ask(`/sign-in/${secret}`)).status).toBe(500)
      expect((await site.ask('/api/v1/status', { as: { token: secret } })).status).toBe(500)
    }
    expect(site.logged.length).toBe(15)
    for (const secret of secrets) expect(site.logged.join('')).not.toContain(secret)
    expect(site.logged[0]).toContain('"route":"/ingest/:collector/:secret?"')
  })
  it('guessed cost one look-up by hash and no transaction', async () => {
    const guesses: (() => Promise<Response>)[] = [
      () => site.ask('/sign-in/fll_guess'),
      () => site.ask('/sign-in/fll_guess', { form: {} }),
      () => site.ask('/ingest/falco/fls_guess', { body: '{}', method: 'POST' }),
      () => site.ask('/ingest/falco', { body: '{}', method: 'POST', as: { token: 'fls_guess' } }),
      () => site.ask('/api/v1/status', { as: { token: 'flc_guess' } }),
      () => site.ask('/incidents', { headers: { cookie: 'falconer_session=guess' } }),
    ]
    for (const guess of guesses) {
      const query = vi.spyOn(site.falconer.db, 'query')
      const transaction = vi.spyOn(site.falconer.db, 'transaction')
      expect([401, 403]).toContain((await guess()).status)
      expect([query.mock.calls.length, transaction.mock.calls.length]).toEqual([1, 0])
      vi.restoreAllMocks()
    }
  })
  it('of a source that is disabled, replaced or of another collector open nothing', async () => {
    const made = await addSource(site.falconer, operator, { name: 'old', collector: 'falco', scope: 'lab' })
    const post = (path: string): Promise<Response> => site.ask(path, { body: '{}', method: 'POST' })
    expect((await post(`/ingest/kubernetes/${made.secret}`)).status).toBe(400)
    await site.ask(`/sources/${made.source.id}/rotate`, { as: site.people.administrator, form: {} })
    expect((await post(`/ingest/falco/${made.secret}`)).status).toBe(401)
    const entry = (await listAudit(site.db, { subject: `source/${made.source.id}` }))[0]
    expect(entry).toMatchObject({ action: 'source secret changed', principal: { id: site.people.administrator.id }, channel: 'web' })
  })
})
