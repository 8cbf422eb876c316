/** Tokens of the company's issuer at /mcp: what it signed, for us, for a person who is known here; and everything a token could be instead. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operator, openSite, type Site } from '../support/site.ts'
import { setDisabled, setRole } from '../../auth/people.ts'

const audience = 'https://falconer.example/mcp'
const seconds = (site: Site): number => Math.floor(site.clock.now().getTime() / 1_000)

describe('tokens of the company’s issuer', () => {
  let site: Site
  let server: Server
  let issuer: string
  let keys: Awaited<ReturnType<typeof generateKeyPair>>
  let told: () => Record<string, unknown>
  beforeAll(async () => {
    keys = await generateKeyPair('ES256', { extractable: true })
    const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] }
    server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(request.url === '/jwks' ? jwks : told()))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    told = () => ({ issuer, jwks_uri: `${issuer}/jwks` })
    site = await openSite({ config: { FALCONER_OIDC_ISSUER: issuer, FALCONER_OIDC_AUDIENCE: audience } })
  })
  afterAll(async () => {
    server.close()
    await site.close()
  })

  type Given = { claims?: JWTPayload; header?: Record<string, string>; key?: Parameters<SignJWT['sign']>[0] }
  const signed = async ({ claims = {}, header = {}, key = keys.privateKey }: Given = {}): Promise<string> => {
    const usual = { iss: issuer, aud: audience, sub: 's', iat: seconds(site), exp: seconds(site) + 300 }
    const all = { ...usual, preferred_username: 'somebody VIEWER', scope: 'openid falconer:incidents', ...claims }
    return new SignJWT(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as JWTPayload)
      .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt', ...header })
      .sign(key)
  }
  const call = async (token: string, name = 'list_incidents', path = '/mcp'): Promise<Response> =>
    site.ask(path, {
      as: { token },
      json: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } },
      headers: { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' },
    })

  it('let in whom it names, with the scopes it gives', async () => {
    for (const claims of [
      {},
      { scope: undefined, scp: ['falconer:incidents'] },
      { aud: ['other', audience] },
      { preferred_username: 'Somebody viewer' },
    ]) {
      const answer = await call(await signed({ claims: claims as JWTPayload }))
      expect(answer.status, JSON.stringify(claims)).toBe(200)
      expect(await answer.text()).toContain('structuredContent')
    }
    expect((await call(await signed({ claims: { scope: 'openid profile' } }))).status).toBe(403)
    const metadata = await (await site.ask('/.well-known/oauth-protected-resource/mcp')).json()
    expect(metadata).toMatchObject({ authorization_servers: [expect.any(String), issuer] })
  })

  it('are good nowhere else', async () => {
    expect((await site.ask('/api/v1/incidents', { as: { token: await signed() } })).status).toBe(401)
  })

  it('are refused when anything about them is not right', async () => {
    const other = await generateKeyPair('ES256')
    const spki = new TextEncoder().encode(await exportSPKI(keys.publicKey))
    const wrong: Record<string, string> = {
      'another issuer': await signed({ claims: { iss: 'https://evil.example' } }),
      'no issuer': await signed({ claims: { iss: undefined } as never }),
      'another audience': await signed({ claims: { aud: 'https://other.example/mcp' } }),
      'no audience': await signed({ claims: { aud: undefined } as never }),
      'an id token, for a client': await signed({ claims: { aud: 'ide-client' } }),
      expired: await signed({ claims: { exp: seconds(site) - 1 } }),
      'without an end': await signed({ claims: { exp: undefined } as never }),
      'not yet': await signed({ claims: { nbf: seconds(site) + 60 } }),
      'of another key': await signed({ key: other.privateKey }),
      'of a key that is unknown': await signed({ header: { kid: 'two' } }),
      'signed with the public key as a secret': await signed({ header: { alg: 'HS256' }, key: spki }),
      'for nobody here': await signed({ claims: { preferred_username: 'Stranger' } }),
      'for no name': await signed({ claims: { preferred_username: undefined } as never }),
      'for a name that is an id': await signed({ claims: { preferred_username: site.people.administrator.id } }),
      'for a name with a NUL': await signed({ claims: { preferred_username: 'a\0b' } }),
      'for many names': await signed({ claims: { preferred_username: ['Somebody viewer'] } }),
    }
    const [head, body] = (await signed()).split('.')
    wrong.unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
    wrong['signed by nothing'] = `${head}.${body}.AAAA`
    for (const [what, token] of Object.entries(wrong)) expect((await call(token)).status, what).toBe(401)
  })

  it('follow the person: their role here, and nothing once disabled', async () => {
    const gone = await site.visitor('Going', 'viewer')
    const token = await signed({ claims: { preferred_username: 'Going', role: 'administrator' } })
    expect((await call(token)).status).toBe(200)
    await setRole(site.falconer.auth, operator, gone.id, 'investigator')
    expect((await call(token)).status).toBe(200)
    await setDisabled(site.falconer.auth, operator, gone.id, true)
    expect((await call(token)).status).toBe(401)
  })

  it('are a fault of the issuer, told as one, while it does not say where its keys are or calls itself another', async () => {
    const token = await signed()
    const right = told
    for (const wrong of [{}, { issuer: 'https://evil.example', jwks_uri: `${issuer}/jwks` }]) {
      told = () => wrong
      const fresh = await openSite({ config: { FALCONER_OIDC_ISSUER: issuer, FALCONER_OIDC_AUDIENCE: audience } })
      expect((await fresh.ask('/mcp', { as: { token }, json: {} })).status).toBe(502)
      expect((await fresh.ask('/mcp', { as: fresh.people.viewer, json: {} })).status).toBe(401)
      await fresh.close()
    }
    told = right
  })
})
