/** The consent page and what stands around it: only a signed-in person, only from our own page, nobody sent astray, nothing of a stranger's text alive. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consent, hiddenFields, letIn, pkce, post, redeem, register, signIn } from '../support/oauth.ts'
import { openSite, type Site } from '../support/site.ts'

describe('letting a program in', () => {
  let site: Site
  beforeAll(async () => {
    site = await openSite()
  })
  afterAll(async () => site.close())
  const address = async (other: Record<string, string> = {}, name = 'IDE', redirect = 'https://ide.example/callback'): Promise<URL> => {
    const clientId = await register(site, redirect, name)
    const fields = { client_id: clientId, redirect_uri: redirect, response_type: 'code', code_challenge: pkce().challenge, state: 's"<&' }
    return new URL(`http://localhost/oauth/authorize?${new URLSearchParams({ ...fields, code_challenge_method: 'S256', ...other })}`)
  }
  const path = (url: URL): string => url.pathname + url.search

  it('asks for a sign-in first, and keeps the whole question over it', async () => {
    const url = await address()
    const answer = await site.ask(path(url), { headers: { accept: 'text/html' } })
    expect(answer.status).toBe(302)
    const next = new URL(answer.headers.get('location') ?? '', 'http://localhost').searchParams.get('next') ?? ''
    expect(next).toBe(path(url))
    const page = await (await site.ask(answer.headers.get('location') ?? '')).text()
    expect(page).toContain('You will then be taken to /oauth/authorize?')
    expect(page).toContain(`<a href="${path(url).replaceAll('&', '&amp;')}">go on</a>`)
  })

  it('shows a stranger’s name as text, where the answer goes, what it may, and the role that bounds it', async () => {
    const name = '</strong><script>alert(1)</script>\u202e<img src=x>'
    const answer = await site.ask(path(await address({}, name)), { as: site.people.viewer })
    const page = await answer.text()
    expect(page).not.toMatch(/<script>|<img|\u202e/)
    expect(page).toContain('&lt;script&gt;')
    expect(page).toMatch(/ide\.example<\/strong>: <strong>another site/)
    expect(page).toContain('never more than your role, <strong>viewer</strong>')
    expect(page).toContain('read incidents')
    const policy = answer.headers.get('content-security-policy')
    expect(policy).toContain("form-action 'self' https://ide.example;")
    expect(policy).toContain("frame-ancestors 'none'")
  })

  it('is done by a person at our own page alone', async () => {
    const url = await address()
    const { investigator, viewer } = site.people
    const fields: Record<string, string> = {
      ...hiddenFields(await (await site.ask(path(url), { as: investigator })).text()),
      answer: 'allow',
      give: 'falconer:incidents',
    }
    const { _csrf: _own, ...plain } = fields
    const status = async (asked: Parameters<Site['ask']>[1]): Promise<number> => (await site.ask('/oauth/authorize', asked)).status
    expect(await status({ as: investigator, form: plain, csrf: null })).toBe(403)
    expect(await status({ as: viewer, form: fields })).toBe(403)
    expect(await status({ as: investigator, form: fields, headers: { origin: 'https://evil.example' } })).toBe(403)
    expect(await status({ as: { token: investigator.token }, form: plain })).toBe(403)
    expect(await status({ form: fields })).toBe(401)
    const { access_token: token } = await signIn(site, investigator)
    expect(await status({ as: { token }, form: plain })).toBe(401)
    expect((await site.ask(`${path(url)}&answer=allow&give=falconer:incidents`, { as: investigator })).status).toBe(200)
    expect(await status({ as: investigator, form: fields })).toBe(303)
  })

  it('sends nobody to an address that was not registered, nor anywhere for a wrong question', async () => {
    const { viewer } = site.people
    const wrong: Record<string, string>[] = [
      { redirect_uri: 'https://evil.example/' },
      { redirect_uri: 'https://ide.example/callback/../x' },
      { redirect_uri: '//evil.example' },
      { client_id: 'nobody' },
      { code_challenge_method: 'plain' },
      { resource: 'https://other.example/mcp' },
      { scope: 'everything' },
      { response_type: 'token' },
    ]
    for (const other of wrong) {
      const url = await address(other)
      const shown = await site.ask(path(url), { as: viewer })
      expect(shown.status, JSON.stringify(other)).toBe(400)
      expect(shown.headers.get('location')).toBeNull()
      const form = { ...Object.fromEntries(url.searchParams), answer: 'refuse' }
      expect((await site.ask('/oauth/authorize', { as: viewer, form })).headers.get('location')).toBeNull()
    }
  })

  it('tells the program that it was refused, with its state, and gives it nothing', async () => {
    const { location } = await consent(site, await address(), site.people.viewer, { answer: 'refuse' })
    expect(Object.fromEntries(location.searchParams)).toEqual({ error: 'access_denied', state: 's"<&', iss: 'http://localhost:8765' })
    expect(location.origin + location.pathname).toBe('https://ide.example/callback')
  })

  it('tells programs what is wrong in OAuth’s words, and never twice of a field', async () => {
    const flow = await letIn(site, site.people.viewer)
    const body = `grant_type=authorization_code&grant_type=refresh_token&code=${flow.code}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await (await site.ask('/oauth/token', { method: 'POST', body, headers })).json()).toMatchObject({ error: 'invalid_request' })
    expect(await (await post(site, '/oauth/token', { grant_type: 'password' })).json()).toMatchObject({ error: 'unsupported_grant_type' })
    expect(await (await redeem(site, flow, { code: 'x\0y' })).json()).toMatchObject({ error: 'invalid_request' })
    const answer = await redeem(site, flow)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect((await post(site, '/oauth/revoke', { token: 'unknown' })).status).toBe(200)
    expect((await site.ask('/oauth/register', { body: 'no json', method: 'POST' })).status).toBe(400)
  })

  it('describes itself at the addresses the standards name, for the name it was asked by', async () => {
    const of = async (where: string, host: string): Promise<unknown> => (await site.ask(where, { headers: { host } })).json()
    for (const host of ['localhost:8765', '127.0.0.1:8765']) {
      expect(await of('/.well-known/oauth-protected-resource/mcp', host)).toMatchObject({
        resource: `http://${host}/mcp`,
        authorization_servers: [`http://${host}`],
        scopes_supported: expect.arrayContaining(['falconer:incidents', 'falconer:propose']),
      })
      expect(await of('/.well-known/oauth-authorization-server', host)).toMatchObject({
        issuer: `http://${host}`,
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      })
    }
    expect(await of('/.well-known/oauth-protected-resource/mcp', 'localhost:9999')).toMatchObject({ resource: 'http://localhost:8765/mcp' })
  })

  it('takes no more registrations than it must', async () => {
    const statuses = new Set<number>()
    for (let count = 0; count < 40; count += 1)
      statuses.add((await site.ask('/oauth/register', { json: { redirect_uris: ['https://ide.example/'] } })).status)
    expect([...statuses]).toContain(429)
  })
})
