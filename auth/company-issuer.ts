/**
 * Access tokens of the company's own identity provider (JWT, RFC 9068), checked by `jose`. They say who asks: a person who was invited here, by name, with the
 * role they have here; an issuer makes nobody a person of Falconer and gives no role. They never approve.
 */
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'
import { z } from 'zod'
import { UpstreamError } from '../domain/errors.ts'
import type { Principal } from '../domain/principal.ts'
import { getUserByName } from '../store/people.ts'
import type { AuthContext } from './people.ts'

export type CompanyIssuer = { issuer: string; audience: string | readonly string[]; userClaim: string; scopes: readonly string[] }
export type Verify = (token: string) => Promise<{ principal: Principal; scopes: string[] } | undefined>

/** No `none`, and nothing symmetric: a public key must not serve as a secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const Discovery = z.looseObject({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })

/** The issuer's keys are found when they are first needed, and kept. The answer throws UpstreamError when the issuer does not answer. */
export function companyIssuer(auth: AuthContext, company: CompanyIssuer): Verify {
  let keys: ReturnType<typeof createRemoteJWKSet> | undefined
  return async (token) => {
    if (!/^[\w-]{1,2000}\.[\w-]{1,8000}\.[\w-]{1,2000}$/.test(token)) return undefined
    keys ??= createRemoteJWKSet(await keysAddress(company.issuer))
    const payload = await verified(token, keys, company, auth.clock.now())
    return payload && personOf(auth, company, payload)
  }
}

async function keysAddress(issuer: string): Promise<URL> {
  const told = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(5_000),
  })
    .then(async (answer) => Discovery.parse(await answer.json()))
    .catch((error: unknown) => {
      throw new UpstreamError(`The issuer ${issuer} does not tell where its keys are.`, { cause: error, retryable: true })
    })
  const secure = told.jwks_uri.startsWith('https://') || issuer.startsWith('http://')
  if (told.issuer !== issuer || !secure)
    throw new UpstreamError(`The issuer at ${issuer} calls itself something else, or has its keys where anybody could change them.`, {
      retryable: false,
    })
  return new URL(told.jwks_uri)
}

async function verified(
  token: string,
  keys: ReturnType<typeof createRemoteJWKSet>,
  { issuer, audience }: CompanyIssuer,
  now: Date,
): Promise<JWTPayload | undefined> {
  try {
    const expected = { issuer, audience: [audience].flat(), algorithms, currentDate: now, requiredClaims: ['exp', 'sub'] }
    return (await jwtVerify(token, keys, expected)).payload
  } catch (error) {
    if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError))
      throw new UpstreamError(`The keys of the issuer ${issuer} cannot be had.`, { cause: error, retryable: true })
    return undefined
  }
}

async function personOf({ db }: AuthContext, company: CompanyIssuer, payload: JWTPayload): Promise<Awaited<ReturnType<Verify>>> {
  const name = payload[company.userClaim]
  const user = typeof name === 'string' && !name.includes('\0') ? await getUserByName(db, name) : undefined
  if (user === undefined || user.disabledAt !== null) return undefined
  const { scope = '', scp = '' } = payload as { scope?: unknown; scp?: unknown }
  const told = [scope, scp].flat().flatMap((one) => (typeof one === 'string' ? one.split(' ') : []))
  const principal: Principal = {
    id: `issuer/${user.id}`,
    kind: 'token',
    name: `${user.name} (through ${new URL(company.issuer).host})`,
    role: user.role,
    personId: user.id,
    mayApprove: false,
  }
  return { principal, scopes: company.scopes.filter((one) => told.includes(one)) }
}
