/**
 * Who may do what: every operation, page, form and call declares one permission, what is public is listed here, the mounted app
 * has nothing else, and each role is let in and refused exactly as the table of permissions says. Commands are API calls.
 */
import type { RouterRoute } from 'hono/types'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operations } from '../../apps/server/api/api.ts'
import { eventsRoute } from '../../apps/server/events.ts'
import { webRoutes } from '../../apps/web/pages.ts'
import { type Permission, permissions, type Role, roleAtLeast, roles } from '../../domain/principal.ts'
import { openSite, type Site, type Visitor } from '../support/site.ts'

type Declared = { method: string; path: string; permission: Permission; kind: 'operation' | 'page' | 'form' | 'call' | 'events' }
const declared: readonly Declared[] = [
  ...operations.map(({ method, path, permission }) => ({ method, path: `/api/v1${path}`, permission, kind: 'operation' as const })),
  ...webRoutes.map(({ method, path, permission, kind }) => ({ method, path, permission, kind })),
  { ...eventsRoute, kind: 'events' },
]

/** Open to anybody. A new line here is a decision. */
const publicRoutes = [
  'GET /sign-in',
  'GET /sign-in/:token',
  'POST /sign-in/:token',
  'POST /passkeys/sign-in/options',
  'POST /passkeys/sign-in',
]
/** Not of the table: says that we run; static files; what the API is; what sources post with a secret of their own; how programs get tokens. */
const apart = [
  'GET /healthz',
  'GET /assets/:version/:name',
  'GET /api/v1/openapi.json',
  'POST /ingest/:collector/:secret?',
  // What programs ask before anybody has let them in; none of it looks at a cookie.
  'GET /.well-known/oauth-authorization-server',
  'GET /.well-known/oauth-protected-resource',
  'GET /.well-known/oauth-protected-resource/mcp',
  // Slack’s signature stands in for a permission: test/security/slack-signatures.test.ts.
  'POST /slack/events',
  'POST /oauth/register',
  'POST /oauth/token',
  'POST /oauth/revoke',
]

const named = ({ method, path }: { method: string; path: string }): string => `${method} ${path}`
const held = declared.filter((one) => one.permission !== 'public')

describe('permissions', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(async () => site.close())

  it('are known, one for each, and each is used', () => {
    for (const one of declared) expect(Object.keys(permissions), named(one)).toContain(one.permission)
    expect(new Set(declared.map(named)).size).toBe(declared.length)
    const unused = Object.keys(permissions).filter((name) => !declared.some((one) => one.permission === name))
    expect(unused).toEqual(['ingest'])
  })

  it('leave nothing public but what this test lists', () => {
    expect(declared.filter((one) => one.permission === 'public').map(named)).toEqual(publicRoutes)
  })

  it('cover every route the app has', () => {
    const isRoute = ({ method }: RouterRoute): boolean => method !== 'ALL'
    const mounted = [...new Set(site.app.routes.filter(isRoute).map(named))].sort()
    expect(mounted).toEqual([...declared.map(named), ...apart].sort())
  })

  it('are given out so that a higher role may do all that a lower one may', () => {
    for (const [permission, needed] of Object.entries(permissions))
      if (needed !== null)
        expect(
          roles.map((role) => roleAtLeast(role, needed)),
          permission,
        ).toEqual(roles.map((_role, at) => at >= roles.indexOf(needed)))
  })

  it('tell everybody else apart: nobody is asked to sign in, a wrong secret is nobody', async () => {
    for (const one of held) {
      for (const as of [null, { token: 'flc_nosuchtokennosuchtokennosuchtoken' }]) {
        const answer = await site.ask(filled(one), { method: one.method, as })
        expect(answer.status, named(one)).toBe(401)
        expect(await answer.json()).toMatchObject({ code: 'sign_in' })
      }
      const forged = await site.ask(filled(one), { method: one.method, headers: { cookie: 'falconer_session=forged' } })
      expect(forged.status, named(one)).toBe(401)
    }
  })

  describe.each(roles)('as %s', (role) => {
    it.each(held.map((one) => [named(one), one] as const))('%s', async (_name, one) => {
      const allowed = roleAtLeast(role, permissions[one.permission] as Role)
      const visitor = one.path === '/sign-out' ? await site.visitor(`Leaving ${role}`, role) : site.people[role]
      const answer = await site.ask(filled(one), asked(one, visitor))
      await expectGate(answer, allowed, `${role} ${named(one)}`)
    })

    it('a token is let into the API as its owner is, and into no page', async () => {
      for (const one of held) {
        const { token } = site.people[role]
        const answer = await site.ask(filled(one), { method: one.method, as: { token }, ...(one.method === 'GET' ? {} : { json: {} }) })
        const told = `token of ${role} ${named(one)}`
        if (one.kind === 'operation' || one.kind === 'events')
          await expectGate(answer, roleAtLeast(role, permissions[one.permission] as Role), told)
        else {
          expect(answer.status, told).toBe(403)
          expect(await answer.json(), told).toMatchObject({ code: 'person_only' })
        }
      }
    })
  })
})

/** Refused with `entitlement`; or let past the gate, to whatever comes of a request for nothing that exists. */
async function expectGate(answer: Response, allowed: boolean, told: string): Promise<void> {
  if (answer.headers.get('content-type')?.includes('event-stream') === true) {
    await answer.body?.cancel()
    return expect(allowed, told).toBe(true)
  }
  const code = answer.status >= 400 ? ((await answer.json()) as { code: string }).code : 'done'
  if (allowed) {
    expect(answer.status, told).toBeLessThan(500)
    expect(['entitlement', 'csrf', 'sign_in', 'origin'], told).not.toContain(code)
  } else {
    expect(answer.status, told).toBe(403)
    expect(code, told).toBe('entitlement')
  }
}

const nobody = '00000000-0000-4000-8000-000000000000'
const filled = ({ path }: { path: string }): string => path.replace(/:\w+/g, nobody)

function asked(one: Declared, as: Visitor): Parameters<Site['ask']>[1] {
  if (one.method === 'GET') return { as }
  return one.kind === 'form' ? { as, method: one.method, form: {} } : { as, method: one.method, json: {} }
}
