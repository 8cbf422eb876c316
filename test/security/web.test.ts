/**
 * Guarantees 11 and 19 on every route, over the real app: forged requests, what a GET may do, foreign names and sites. Sessions are
 * in web-sessions.test.ts, the browser in web-browser.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operations } from '../../apps/server/api/api.ts'
import { webRoutes } from '../../apps/web/pages.ts'
import { listProposals } from '../../store/proposals.ts'
import { fingerprint } from '../support/fingerprint.ts'
import { openSite, type Site } from '../support/site.ts'
import { alertOfShop } from '../support/shop-alert.ts'

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

describe('a forged request', () => {
  it(`is refused by every form and call (${changing.length}) without the session’s own token, and changes nothing`, async () => {
    const before = await fingerprint(site.db)
    const { administrator, responder } = site.people
    const forgeries: [string, string | null][] = [
      ['missing', null],
      ['empty', ''],
      ['wrong', 'x'.repeat(administrator.csrf.length)],
      ['cut', administrator.csrf.slice(0, -1)],
      ['another session’s', responder.csrf],
      ['a session instead of its token', administrator.session],
    ]
    for (const one of changing)
      for (const [what, csrf] of forgeries) {
        const asked = one.kind === 'form' ? { form: { do: 'approve', name: 'x', role: 'viewer' } } : { json: {} }
        const answer = await site.ask(filled(one.path), { as: administrator, csrf, ...asked })
        expect(answer.status, `${one.path} ${what}`).toBe(403)
        expect(await codeOf(answer), `${one.path} ${what}`).toBe('csrf')
      }
    expect(await fingerprint(site.db)).toBe(before)
  })

  it('is refused by every changing operation of the API when it comes with a session’s cookie', async () => {
    const before = await fingerprint(site.db)
    for (const one of operations.filter(({ method }) => method !== 'GET'))
      for (const csrf of [null, 'x', site.people.responder.csrf]) {
        const answer = await site.ask(`/api/v1${filled(one.path)}`, { method: one.method, as: site.people.administrator, json: {}, csrf })
        expect([answer.status, await codeOf(answer)], one.id).toEqual([403, 'csrf'])
      }
    expect(await fingerprint(site.db)).toBe(before)
  })

  it('with its token in the wrong place is refused: forms take a field, calls and the API a header', async () => {
    const { administrator } = site.people
    const headers = { 'x-csrf-token': administrator.csrf }
    const asForm = await site.ask('/sources', { as: administrator, form: { name: 'a' }, csrf: null, headers })
    expect(await codeOf(asForm)).toBe('csrf')
    const asQuery = await site.ask(`/sources?_csrf=${administrator.csrf}`, { as: administrator, form: { name: 'a' }, csrf: null })
    expect(await codeOf(asQuery)).toBe('csrf')
    const inBody = await site.ask('/account/passkeys', { as: administrator, json: { _csrf: administrator.csrf }, csrf: null })
    expect(await codeOf(inBody)).toBe('csrf')
  })
})

describe('a GET', () => {
  it('changes nothing, wherever it goes', async () => {
    const { administrator } = site.people
    await site.ask('/api/v1/status', { as: { token: administrator.token } }) // its last use is noted, once a minute
    const before = await fingerprint(site.db)
    const paths = [...operations.map(({ path }) => `/api/v1${path}`), ...webRoutes.map(({ path }) => path), '/ingest/falco/:secret'].map(
      (path) => filled(path).replace('00000000-0000-4000-8000-000000000000', path.includes('proposal') ? proposalId : site.secret),
    )
    for (const as of [administrator, { token: administrator.token }])
      for (const path of paths)
        for (const method of ['GET', 'HEAD'])
          await (await site.ask(`${path}?do=approve&planHash=${planHash}`, { method, as })).body?.cancel()
    expect(await fingerprint(site.db)).toBe(before)
  })

  it('approves nothing: what decides answers 405', async () => {
    for (const path of [`/proposals/${proposalId}/decide`, `/api/v1/proposals/${proposalId}/approve`, `/proposals/${proposalId}/revert`])
      expect((await site.ask(path, { as: site.people.responder })).status, path).toBe(405)
  })
})

describe('names and origins', () => {
  const routes = ['/', '/sign-in', '/incidents', '/api/v1/status', '/events', '/assets/x/page.js', '/nowhere']
  const hosts = [
    'evil.example',
    'localhost.evil.example',
    'evil.example:8765',
    'localhost.',
    'xlocalhost',
    '127.0.0.1.nip.io',
    '10.0.0.7',
    '169.254.169.254',
    '[::2]:80',
    '',
    'localhost@evil.example',
    'localhost:80:80',
    'evil.example#localhost',
  ]
  const origins = [
    'http://evil.example',
    'https://evil.example',
    'http://localhost.evil.example',
    'http://localhost:81',
    'http://localhost:9999',
    'http://127.0.0.1',
    'http://localhost.',
    'null',
    'file://',
    'chrome-extension://abcdef',
    'http://localhost@evil.example',
    'http://evil.example/http://localhost',
    'javascript://localhost',
    '',
    'http://',
    'LOCALHOST',
  ]

  it(`refuses ${hosts.length} foreign names on ${routes.length} routes, whoever is signed in`, async () => {
    for (const path of routes)
      for (const host of hosts) {
        const answer = await site.ask(path, { as: site.people.administrator, headers: { host } })
        expect([answer.status, await codeOf(answer)], `${path} ${host}`).toEqual([403, 'origin'])
      }
  })
  it(`refuses ${origins.length} foreign origins, for reading and for changing`, async () => {
    for (const origin of origins)
      for (const path of [...routes, '/sources', `/proposals/${proposalId}/decide`, `/sign-in/x`, `/ingest/falco/${site.secret}`]) {
        const asked = path === '/sources' || path.includes('decide') || path.includes('/x') ? { form: {} } : {}
        const answer = await site.ask(path, { as: site.people.administrator, ...asked, headers: { origin } })
        expect([answer.status, await codeOf(answer)], `${path} ${origin}`).toEqual([403, 'origin'])
      }
  })
  it('takes its own, in any case, with any port that the request was sent to', async () => {
    for (const [host, origin] of [
      ['localhost', 'http://localhost'],
      ['LocalHost:8765', 'http://localhost:8765'],
      ['127.0.0.1:9', 'http://127.0.0.1:9'],
      ['[::1]:9', 'http://[::1]:9'],
    ] as const)
      expect((await site.ask('/incidents', { as: site.people.viewer, headers: { host, origin } })).status, host).toBe(200)
  })
  it('is asked for its health by any name, and says no more than that', async () => {
    const answer = await site.ask('/healthz', { headers: { host: '10.1.2.3:8765' } })
    expect([answer.status, await answer.text()]).toEqual([200, '{"ok":true}'])
  })
})
