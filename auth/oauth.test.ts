/** The authorisation server on both databases: addresses, PKCE, each code and refresh token once, whatever comes at once, and never more than the person may. */
import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { DeniedError, InputError } from '../domain/errors.ts'
import type { Role } from '../domain/principal.ts'
import { listAudit } from '../store/audit.ts'
import { sweepExpired } from '../store/people.ts'
import { eachDatabase } from '../test/support/database.ts'
import { commandLine, isRegistered, OAuthRefusal, type OAuthSite, registerClient } from './oauth-clients.ts'
import { answerAt, letIn, readRequest, type Request } from './oauth-consent.ts'
import { endToken, exchange, type Issued, mcpBearer, shutOut } from './oauth-tokens.ts'
import { type Actor, type AuthContext, invite, setDisabled, setRole, system, tokenPrincipal, userPrincipal } from './people.ts'

const site: OAuthSite = {
  issuer: 'https://falconer.example',
  isOurs: (resource) => resource === 'https://falconer.example/mcp',
  scopes: ['falconer:incidents', 'falconer:graph', 'falconer:propose'],
  defaultScopes: ['falconer:incidents', 'falconer:graph'],
}
const redirect = 'https://ide.example/callback?x=1'
const verifier = randomBytes(32).toString('base64url')
const challenge = createHash('sha256').update(verifier).digest('base64url')
const from = (fields: Record<string, string>) => (name: string) => fields[name] ?? null
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) =>
      error instanceof OAuthRefusal
        ? error.error
        : error instanceof DeniedError
          ? error.reason
          : error instanceof InputError
            ? 'input'
            : String(error),
  )

describe('where an answer may go', () => {
  const client = (...redirectUris: string[]) => ({ id: 'x', name: 'x', redirectUris })
  it.each([
    ['https://ide.example/cb', 'https://ide.example/cb', true],
    ['https://ide.example/cb', 'https://ide.example/cb/', false],
    ['https://ide.example/cb', 'https://ide.example/cb?x', false],
    ['https://ide.example/cb', 'https://ide.example:8443/cb', false],
    ['https://ide.example/cb', 'http://ide.example/cb', false],
    ['https://ide.example/cb', 'https://IDE.example/cb', false],
    ['https://ide.example/cb', 'https://ide.example/x/../cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:40123/cb', true],
    ['http://127.0.0.1:1/cb', 'http://127.0.0.1:2/cb', true],
    ['http://localhost:1/cb', 'http://localhost:2/cb', true],
    ['http://[::1]:1/cb', 'http://[::1]:2/cb', true],
    ['http://127.0.0.1:1/cb', 'http://localhost:1/cb', false],
    ['http://127.0.0.1:1/cb', 'http://127.0.0.1:1/other', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:80@evil.example/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1.evil.example/cb', false],
    ['http://127.0.0.1/cb', 'https://127.0.0.1:9/cb', false],
    ['http://127.0.0.1/cb', 'http://127.0.0.1:99999/cb', false],
  ])('registered %s, asked for %s: %s', (registered, asked, allowed) => {
    expect(isRegistered(client(registered), asked)).toBe(allowed)
  })
  it('is never an address that was not registered, whatever it looks like', () => {
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), fc.webUrl(), (asked, registered) => {
        expect(isRegistered(client(registered), asked)).toBe(asked === registered && asked.startsWith('https://'))
      }),
    )
  })
})

eachDatabase('the authorisation server', (database) => {
  let auth: AuthContext
  let clock: FixedClock
  let clientId: string
  let count = 0
  beforeAll(async () => {
    clock = new FixedClock('2026-11-23T12:00:00Z')
    auth = { db: database(), clock }
    clientId = (await registerClient(auth, { redirect_uris: [redirect], client_name: 'IDE' })).id
  })
  const person = async (role: Role): Promise<Actor> => {
    const { user } = await invite(auth, system, `Person ${(count += 1)}`, role)
    return { principal: userPrincipal(user), channel: 'web' }
  }
  const asking = (other: Record<string, string> = {}) => ({
    client_id: clientId,
    redirect_uri: redirect,
    response_type: 'code',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'a b&c',
    ...other,
  })
  const request = (other: Record<string, string> = {}): Promise<Request> => readRequest(auth, site, from(asking(other)))
  const code = async (actor: Actor, scopes = site.scopes, other: Record<string, string> = {}): Promise<string> =>
    letIn(auth, actor, await request({ scope: site.scopes.join(' '), ...other }), scopes)
  const redeem = (given: string, other: Record<string, string> = {}): Promise<Issued> =>
    exchange(
      auth,
      from({
        grant_type: 'authorization_code',
        client_id: clientId,
        redirect_uri: redirect,
        code_verifier: verifier,
        code: given,
        ...other,
      }),
    )
  const refresh = (token: string | undefined, other: Record<string, string> = {}): Promise<Issued> =>
    exchange(auth, from({ grant_type: 'refresh_token', client_id: clientId, refresh_token: token ?? '', ...other }))
  const bearer = (token: string) => mcpBearer(auth, token, site.isOurs)

  it.each([
    ['no redirect', { redirect_uris: [] }],
    ['none at all', {}],
    ['not an object', 'x'],
    ['http elsewhere', { redirect_uris: ['http://ide.example/cb'] }],
    ['a fragment', { redirect_uris: ['https://ide.example/cb#x'] }],
    ['a user', { redirect_uris: ['https://a:b@ide.example/cb'] }],
    ['javascript', { redirect_uris: ['javascript:alert(1)//https://x'] }],
    ['a scheme of its own', { redirect_uris: ['ide://callback'] }],
    ['a line break', { redirect_uris: ['https://ide.example/\nx'] }],
    ['one good, one bad', { redirect_uris: ['https://ide.example/cb', 'data:text/html,x'] }],
    ['another grant', { redirect_uris: ['https://ide.example/cb'], grant_types: ['client_credentials'] }],
  ])('registers no client with %s', async (_what, body) => {
    expect(await refusal(registerClient(auth, body))).toMatch(/^invalid_(?:redirect_uri|client_metadata)$/)
  })

  it.each([
    ['an unknown client', { client_id: 'nobody' }],
    ['another address', { redirect_uri: 'https://evil.example/' }],
    ['a token at once', { response_type: 'token' }],
    ['plain PKCE', { code_challenge_method: 'plain' }],
    ['no PKCE', { code_challenge: '' }],
    ['another server’s audience', { resource: 'https://other.example/mcp' }],
    ['a scope that there is not', { scope: 'falconer:incidents falconer:approve' }],
    ['the scope of the command line', { scope: 'falconer:command-line' }],
    ['an endless state', { state: 'x'.repeat(2_001) }],
  ])('tells the person, and sends nobody anywhere, when a program asks for %s', async (_what, other) => {
    expect(await refusal(request(other))).toBe('input')
  })

  it('gives what the person left ticked, at the registered address, with state and issuer', async () => {
    const asked = await request({ scope: 'falconer:incidents falconer:propose offline_access' })
    expect(asked.scopes).toEqual(['falconer:incidents', 'falconer:propose'])
    const given = await letIn(auth, await person('investigator'), asked, ['falconer:incidents', 'falconer:graph'])
    const answer = new URL(answerAt(site, asked, { code: given }))
    expect(Object.fromEntries(answer.searchParams)).toEqual({ x: '1', code: given, state: 'a b&c', iss: site.issuer })
    const issued = await redeem(given)
    expect(issued).toMatchObject({ scope: 'falconer:incidents', expires_in: 900, token_type: 'Bearer' })
    expect(issued.access_token).toMatch(/^fla_[\w-]{36}$/)
    expect(await bearer(issued.access_token)).toMatchObject({
      scopes: ['falconer:incidents'],
      principal: { kind: 'token', role: 'investigator', mayApprove: false },
    })
    expect(await tokenPrincipal(auth, issued.access_token)).toBeUndefined()
  })

  it('lets nothing in for nothing, and for nobody but a person', async () => {
    const asked = await request()
    const actor = await person('administrator')
    expect(await refusal(letIn(auth, actor, asked, []))).toBe('input')
    const { principal } = (await bearer((await redeem(await code(actor))).access_token)) ?? {}
    expect(await refusal(letIn(auth, { principal: principal as never, channel: 'mcp' }, asked, site.scopes))).toBe('person_only')
  })

  it.each([
    ['a wrong verifier', { code_verifier: randomBytes(32).toString('base64url') }],
    ['no verifier', { code_verifier: '' }],
    ['the challenge itself', { code_verifier: challenge }],
    ['another address', { redirect_uri: 'https://ide.example/callback' }],
    ['another client', { client_id: 'nobody' }],
    ['another audience', { resource: 'https://other.example/mcp' }],
  ])('takes a code with %s for stolen: it is good for nothing any more', async (_what, other) => {
    const given = await code(await person('viewer'))
    expect(await refusal(redeem(given, other))).toBe('invalid_grant')
    expect(await refusal(redeem(given))).toBe('invalid_grant')
  })

  it('takes a code within a minute', async () => {
    const actor = await person('viewer')
    const [good, late] = [await code(actor), await code(actor)]
    clock.advance(59_999)
    expect(await refusal(redeem(good))).toBe('done')
    clock.advance(1)
    expect(await refusal(redeem(late))).toBe('invalid_grant')
    expect((await listAudit(auth.db, { limit: 1 }))[0]?.details).toEqual({ why: 'the code came too late' })
  })

  it('takes a code once, and ends all it gave when it comes again', async () => {
    const given = await code(await person('viewer'))
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => redeem(given)))
    const issued = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(issued).toHaveLength(1)
    expect(await bearer(issued[0]?.access_token ?? '')).toBeUndefined()
    expect(await refusal(refresh(issued[0]?.refresh_token))).toBe('invalid_grant')
  })

  it('gives each refresh token once; when one comes again, whoever holds the next is shut out too', async () => {
    const first = await redeem(await code(await person('viewer')))
    const second = await refresh(first.refresh_token)
    expect(second.refresh_token).not.toBe(first.refresh_token)
    const third = await refresh(second.refresh_token, { resource: 'https://falconer.example/mcp' })
    expect(await bearer(third.access_token)).toBeDefined()
    expect(await refusal(refresh(first.refresh_token))).toBe('invalid_grant')
    expect(await bearer(third.access_token)).toBeUndefined()
    expect(await refusal(refresh(third.refresh_token))).toBe('invalid_grant')
    const [latest] = await listAudit(auth.db, { limit: 1 })
    expect(latest).toMatchObject({ action: 'program shut out', details: { why: 'a refresh token came a second time' } })
  })

  it('takes a refresh token from its own client alone, and no access token for one', async () => {
    const issued = await redeem(await code(await person('viewer')))
    expect(await refusal(refresh(issued.access_token))).toBe('invalid_grant')
    expect(await bearer(issued.refresh_token ?? '')).toBeUndefined()
    expect(await refusal(refresh(issued.refresh_token, { client_id: 'nobody' }))).toBe('invalid_grant')
    expect(await bearer(issued.access_token)).toBeUndefined()
  })

  it('gives tokens for 15 minutes and 14 days, and nothing beyond 90 days', async () => {
    let issued = await redeem(await code(await person('viewer')))
    const start = clock.now().getTime()
    clock.advance(15 * 60_000 - 1)
    expect(await bearer(issued.access_token)).toBeDefined()
    clock.advance(1)
    expect(await bearer(issued.access_token)).toBeUndefined()
    for (let weeks = 1; weeks < 13; weeks += 1) {
      issued = await refresh(issued.refresh_token)
      clock.advance(7 * 86_400_000)
      await sweepExpired(auth.db, clock.now())
    }
    issued = await refresh(issued.refresh_token)
    clock.advance(start + 90 * 86_400_000 - clock.now().getTime())
    expect(await refusal(refresh(issued.refresh_token))).toBe('invalid_grant')
  })

  it('never gives more than the person has: not then, not now, not when disabled', async () => {
    const actor = await person('viewer')
    const { id } = actor.principal
    const issued = await redeem(await code(actor))
    await setRole(auth, system, id, 'administrator')
    expect((await bearer(issued.access_token))?.principal.role).toBe('viewer')
    const high = await redeem(await code({ ...actor, principal: { ...actor.principal, role: 'administrator' } }))
    await setRole(auth, system, id, 'investigator')
    expect((await bearer(high.access_token))?.principal).toMatchObject({ role: 'investigator', mayApprove: false, personId: id })
    await setDisabled(auth, system, id, true)
    expect(await bearer(high.access_token)).toBeUndefined()
    await setDisabled(auth, system, id, false)
    expect(await bearer(high.access_token)).toBeUndefined()
    expect(await refusal(refresh(high.refresh_token))).toBe('invalid_grant')
  })

  it('ends at the client’s word with either token, at the person’s, and at nobody else’s', async () => {
    const actor = await person('viewer')
    for (const which of ['access_token', 'refresh_token'] as const) {
      const issued = await redeem(await code(actor))
      await endToken(auth, from({ token: issued[which] ?? '', client_id: 'nobody' }))
      expect(await bearer(issued.access_token)).toBeDefined()
      await endToken(auth, from({ token: issued[which] ?? '', client_id: clientId }))
      expect(await bearer(issued.access_token)).toBeUndefined()
    }
    const issued = await redeem(await code(actor))
    const grant = (await bearer(issued.access_token))?.principal.id ?? ''
    await shutOut(auth, await person('administrator'), grant)
    expect(await bearer(issued.access_token)).toBeDefined()
    await shutOut(auth, actor, grant)
    expect(await bearer(issued.access_token)).toBeUndefined()
  })

  it('gives the command line an API token, which it can end, and no other client one', async () => {
    const actor = await person('responder')
    const at = { client_id: commandLine.id, redirect_uri: 'http://127.0.0.1:49200/callback' }
    const asked = await request(at)
    expect(asked.scopes).toEqual(['falconer:command-line'])
    const given = await letIn(auth, actor, asked, asked.scopes)
    const { access_token: token, refresh_token: none } = await redeem(given, at)
    expect(token).toMatch(/^flc_/)
    expect(none).toBeUndefined()
    expect(await tokenPrincipal(auth, token)).toMatchObject({ role: 'responder', mayApprove: false, personId: actor.principal.id })
    expect(await refusal(redeem(given, at))).toBe('invalid_grant')
    await endToken(auth, from({ token }))
    expect(await tokenPrincipal(auth, token)).toBeUndefined()
  })

  it('forgets clients that nobody let in', async () => {
    const idle = await registerClient(auth, { redirect_uris: ['https://idle.example/'] })
    expect(idle.name).toBe('A program without a name')
    expect(await refusal(request({ client_id: idle.id, redirect_uri: 'https://idle.example/' }))).toBe('done')
    clock.advance(2 * 86_400_000)
    await sweepExpired(auth.db, clock.now())
    expect(await refusal(request({ client_id: idle.id, redirect_uri: 'https://idle.example/' }))).toBe('input')
  })
})
