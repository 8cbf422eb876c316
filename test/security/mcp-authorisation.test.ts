/**
 * Who is answered at /mcp: every way of not being entitled, tried on every tool there is, is refused with the right status before any tool has run; the same
 * call with a right token runs, so that the proof could fail. A foreign Host or Origin is refused before a token is looked at.
 */
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createToken, newLinkFor, revokeToken, setDisabled } from '../../auth/people.ts'
import { scopesFor } from '../../tools/server.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { mcpScopes } from '../../apps/server/oauth-site.ts'
import { letIn, post, signIn } from '../support/oauth.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, operator, type Site, type Visitor } from '../support/site.ts'

const day = 86_400_000
const foreignResources = [
  'http://localhost:8765',
  'http://localhost:8765/mcpx',
  'http://localhost:8765/api/v1',
  'http://localhost:9999/mcp',
  'https://falconer.example.org/mcp',
  'http://localhost.evil.example:8765/mcp',
]

describe('MCP over HTTP', () => {
  let site: Site
  /** Tools that ran. */ const runs: string[] = []
  /** By what is wrong with them: what is sent as `authorization`. */
  const wrong: Record<string, (string | null)[]> = {}
  let scoped: (scopes: string[]) => Promise<string[]>

  const call = (tool: string, authorization: string | null, more: Record<string, string> = {}, query = ''): Promise<Response> =>
    site.ask(`/mcp${query}`, {
      json: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: {} } },
      headers: {
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-06-18',
        ...(authorization === null ? {} : { authorization }),
        ...more,
      },
    })
  const pat = async (visitor: Visitor, days: number, scopes?: string[]): Promise<{ id: string; token: string }> =>
    createToken(site.falconer.auth, visitor.actor, { userId: visitor.id, name: 'x', role: visitor.role, days, scopes })

  beforeAll(async () => {
    site = await openSite({ config: { FALCONER_MCP_PER_MINUTE: '0' } })
    const { auth } = site.falconer
    const { administrator } = site.people
    const old = [(await pat(administrator, 1)).token, (await signIn(site, administrator)).access_token]
    site.clock.advance(1.5 * day)
    wrong.expired = old.map((token) => `Bearer ${token}`)

    const revoked = await pat(administrator, 30)
    await revokeToken(auth, operator, revoked.id, null)
    const ended = await signIn(site, administrator)
    await post(site, '/oauth/revoke', { token: ended.refresh_token, client_id: ended.clientId })
    wrong.revoked = [revoked.token, ended.access_token, ended.refresh_token].map((token) => `Bearer ${token}`)

    const gone = await site.visitor('Gone', 'administrator')
    const ofGone = [gone.token, (await signIn(site, gone)).access_token]
    await setDisabled(auth, operator, gone.id, true)
    wrong['of a disabled owner'] = ofGone.map((token) => `Bearer ${token}`)

    wrong['for another audience'] = []
    for (const resource of foreignResources) {
      const { access_token: token, clientId } = await signIn(site, administrator)
      await site.db.query(sql`update oauth_grants set resource = ${resource} where client_id = ${clientId}`)
      wrong['for another audience'].push(`Bearer ${token}`)
    }

    const { session } = administrator
    const live = await signIn(site, administrator)
    const { code } = await letIn(site, administrator)
    const { token: link } = await newLinkFor(auth, operator, administrator.id)
    const jwt = `${btoa('{"alg":"none"}')}.${btoa(`{"sub":"${administrator.id}","aud":"http://localhost:8765/mcp"}`)}.`
    wrong['of another kind'] = [session, live.refresh_token, code, link, site.secret, jwt].map((token) => `Bearer ${token}`)
    const { token } = administrator
    wrong.malformed = [
      'Bearer',
      'Bearer ',
      'bearer',
      `Basic ${btoa(`x:${token}`)}`,
      token,
      `Token ${token}`,
      `Bearer ${token.slice(0, -1)}`,
    ]
    wrong.malformed.push(
      `Bearer ${token}x`,
      `Bearer ${token.toUpperCase()}`,
      `Bearer "${token}"`,
      `Bearer ${'x'.repeat(8_000)}`,
      'Bearer \u00e9',
    )
    wrong.missing = [null, '']

    scoped = async (scopes) => [
      `Bearer ${(await signIn(site, administrator, scopes.join(' '))).access_token}`,
      `Bearer ${(await pat(administrator, 30, scopes)).token}`,
    ]
    for (const tool of tools) {
      const run = tool.run.bind(tool)
      vi.spyOn(tool, 'run').mockImplementation((input, context) => {
        runs.push(tool.name)
        return run(input, context)
      })
    }
  })
  afterEach(() => runs.splice(0))
  afterAll(async () => {
    vi.restoreAllMocks()
    await site.close()
  })

  it('guarantee 10: a token that is missing, malformed, expired, revoked, for another audience, of another kind or of a disabled owner gets 401, at every tool', async ({
    task,
  }) => {
    let cases = 0
    const challenge =
      /^Bearer error="invalid_token", .*scope="falconer:incidents .*falconer:propose".*resource_metadata="http:\/\/localhost:8765\/\.well-known\/oauth-protected-resource\/mcp"/
    for (const [what, sent] of Object.entries(wrong))
      for (const authorization of sent)
        for (const { name } of tools) {
          const answer = await call(name, authorization)
          expect(answer.status, `${what}: ${name}`).toBe(401)
          expect(answer.headers.get('www-authenticate'), what).toMatch(challenge)
          expect(await answer.json()).toMatchObject({ error: 'invalid_token' })
          cases += 1
        }
    expect(Object.keys(wrong)).toHaveLength(7)
    expect(runs).toEqual([])
    for (const authorization of Object.values(wrong).flat())
      if (authorization !== null && authorization.length > 20) expect(site.logged.join('\n')).not.toContain(authorization.slice(7))
    Object.assign(task.meta, { cases })
  })

  it('guarantee 10: neither a browser’s cookie nor a token in the address lets anybody in', async ({ task }) => {
    const { cookie, csrf, token } = site.people.administrator
    for (const { name } of tools) {
      expect((await call(name, null, { cookie, 'x-csrf-token': csrf })).status).toBe(401)
      for (const query of [`?access_token=${token}`, `?token=${token}`]) expect((await call(name, null, {}, query)).status).toBe(401)
    }
    expect(runs).toEqual([])
    Object.assign(task.meta, { cases: tools.length * 3 })
  })

  it('guarantee 10: a token without the scope of a tool gets 403 and is told which to ask for, at every tool', async ({ task }) => {
    let cases = 0
    for (const needed of new Set(tools.flatMap(scopesFor))) {
      const sent = await scoped(mcpScopes.filter((scope) => scope !== needed))
      for (const tool of tools.filter((one) => scopesFor(one).includes(needed)))
        for (const authorization of sent) {
          const answer = await call(tool.name, authorization)
          expect(answer.status, tool.name).toBe(403)
          expect(answer.headers.get('www-authenticate')).toMatch(/error="insufficient_scope".*resource_metadata=/)
          expect(answer.headers.get('www-authenticate')).toContain(needed)
          cases += 1
        }
    }
    expect(runs).toEqual([])
    Object.assign(task.meta, { cases })
  })

  it('answers the same calls with a right token, and with a right scope alone', async () => {
    const { administrator } = site.people
    const { access_token: token } = await signIn(site, administrator)
    for (const authorization of [`Bearer ${administrator.token}`, `bearer ${token}`, ...(await scoped(['falconer:incidents']))]) {
      const answer = await call('list_incidents', authorization)
      expect(answer.status).toBe(200)
      expect(await answer.text()).toContain('structuredContent')
    }
    expect(runs).toHaveLength(4)
  })

  it('guarantee 10: a search tells a token nothing of toolsets whose scope it lacks, and says so', async ({ task }) => {
    await site.ingest(JSON.stringify(alertOfShop()))
    await site.settle()
    const search = async (scopes: string[], args: object): Promise<{ hits: { kind: string }[]; searched: string } | string> => {
      const { token } = await pat(site.people.administrator, 30, scopes)
      const answer = await site.ask('/mcp', {
        json: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'search', arguments: args } },
        headers: { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18', authorization: `Bearer ${token}` },
      })
      const { result } = JSON.parse((/^data: (.*)$/m.exec(await answer.text()) ?? [])[1] ?? '{}')
      return result.isError === true ? result.content[0].text : result.structuredContent
    }
    const rule = { query: alertOfShop().rule }
    const all = await search([...mcpScopes], rule)
    const few = await search(['falconer:incidents'], rule)
    if (typeof all === 'string' || typeof few === 'string') throw new Error('refused')
    expect(all.hits.map(({ kind }) => kind)).toContain('alert')
    expect(few.hits.length).toBeGreaterThan(0)
    for (const { kind } of few.hits) expect(['incident', 'note', 'runbook']).toContain(kind)
    expect(few.searched).toContain('not finding, alert, entity, for the token lacks falconer:posture, falconer:alerts, falconer:graph')
    expect(await search(['falconer:incidents'], { ...rule, kinds: ['alert'] })).toMatch(/falconer:alerts/)
    Object.assign(task.meta, { cases: 3 })
  })

  it('is the only place where a token of a sign-in, or one limited to scopes, is good', async () => {
    const [signedIn = '', limited = ''] = await scoped(['falconer:incidents'])
    for (const authorization of [signedIn, limited])
      for (const path of ['/api/v1/incidents', '/api/v1/tokens', '/incidents', '/events'])
        expect((await site.ask(path, { headers: { authorization } })).status, path).toBe(401)
  })

  it('guarantee 11: a foreign Host or Origin gets 403 at /mcp, whatever the token', async ({ task }) => {
    const names = [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.nip.io',
      '169.254.169.254',
      '10.0.0.7',
      'LOCALHOST.evil',
      '[::2]',
      '0',
      'xn--lclhost-p4a',
      '127.1',
    ]
    const hosts = names
      .flatMap((name) => [name, `${name}:8765`])
      .concat(['', 'localhost@evil.example', 'localhost:8765.evil', 'localhost:', '-'])
    const origins = names
      .flatMap((name) => [`http://${name}`, `https://${name}:8765`])
      .concat(['null', 'file://', 'http://localhost:1', 'vscode-webview://x', 'http://localhost.'])
    const authorization = `Bearer ${site.people.administrator.token}`
    for (const host of hosts) expect((await call('list_incidents', authorization, { host })).status, `Host: ${host}`).toBe(403)
    for (const origin of origins) expect((await call('list_incidents', authorization, { origin })).status, `Origin: ${origin}`).toBe(403)
    expect(runs).toEqual([])
    expect((await call('list_incidents', authorization, { origin: 'http://localhost' })).status).toBe(200)
    expect(hosts.length + origins.length).toBe(50)
    Object.assign(task.meta, { cases: 50 })
  })
})

describe('how fast one token may ask', () => {
  it('is limited, with the time to wait, and another token’s is its own', async () => {
    const site = await openSite({ config: { FALCONER_MCP_PER_MINUTE: '6', FALCONER_MCP_BURST: '3' } })
    const ask = async (token: string) => site.ask('/mcp', { as: { token }, json: { jsonrpc: '2.0', id: 1, method: 'ping' } })
    const { viewer, responder } = site.people
    const statuses = []
    for (let count = 0; count < 5; count += 1) statuses.push((await ask(viewer.token)).status)
    expect(statuses.slice(3)).toEqual([429, 429])
    expect(statuses.slice(0, 3)).not.toContain(429)
    const refused = await ask(viewer.token)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(5)
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(10)
    expect((await ask(responder.token)).status).not.toBe(429)
    await site.close()
  })
})
