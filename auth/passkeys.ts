/** Passkeys (WebAuthn), checked by @simplewebauthn/server. The site is the host people use; an IP address cannot have passkeys. */
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { z } from 'zod'
import { DeniedError, InputError, NotFoundError } from '../domain/errors.ts'
import { appendAudit } from '../store/audit.ts'
import * as credentials from '../store/credentials.ts'
import * as rows from '../store/people.ts'
import { type Actor, type AuthContext, onlyPeople, openSession, type OpenedSession } from './people.ts'

export type Site = { origin: string }
type RegistrationResponse = Parameters<typeof verifyRegistrationResponse>[0]['response']
type AuthenticationResponse = Parameters<typeof verifyAuthenticationResponse>[0]['response']

/** What a browser gives, as far as it must be looked at before the library does. */
const base64url = z.string().max(20_000)
const credential = { id: base64url.max(2_000), rawId: base64url.max(2_000), type: z.literal('public-key') }
const Registration = z.looseObject({ ...credential, response: z.looseObject({ clientDataJSON: base64url, attestationObject: base64url }) })
const Authentication = z.looseObject({
  ...credential,
  response: z.looseObject({ clientDataJSON: base64url, authenticatorData: base64url, signature: base64url }),
})

const minutes = 60_000
const siteId = (site: Site): string => {
  const { hostname } = new URL(site.origin)
  if (/^[\d.]+$|:/.test(hostname))
    throw new InputError(`Passkeys need a host name; this page was opened as ${hostname}. Open it as localhost, or by its name.`)
  return hostname
}

/** Options for the browser to make a passkey with. Throws DeniedError `person_only`. */
export async function registrationOptions({ db, clock }: AuthContext, actor: Actor, site: Site): Promise<unknown> {
  onlyPeople(actor, 'add a passkey')
  const user = await rows.getUser(db, actor.principal.personId)
  if (user === undefined) throw new NotFoundError('There is no such person.')
  const options = await generateRegistrationOptions({
    rpName: 'Falconer',
    rpID: siteId(site),
    userName: user.name,
    userID: Uint8Array.from(user.webauthnHandle),
    attestationType: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
    excludeCredentials: (await credentials.passkeysOf(db, user.id)).map((passkey) => ({ id: passkey.credentialId })),
  })
  await credentials.insertChallenge(db, options.challenge, user.id, new Date(clock.now().getTime() + 5 * minutes))
  return options
}

/** Stores the passkey the browser made. Throws DeniedError `passkey` or `person_only`. */
export async function registerPasskey(
  { db, clock }: AuthContext,
  actor: Actor,
  site: Site,
  name: string,
  response: unknown,
): Promise<void> {
  onlyPeople(actor, 'add a passkey')
  const given = Registration.safeParse(response)
  if (!given.success) throw new InputError('That is not what a browser answers when it has made a passkey.')
  const verified = await verifyRegistrationResponse({
    response: given.data as unknown as RegistrationResponse,
    expectedOrigin: site.origin,
    expectedRPID: siteId(site),
    requireUserVerification: false,
    expectedChallenge: async (challenge) =>
      (await credentials.takeChallenge(db, challenge, clock.now()))?.userId === actor.principal.personId,
  }).catch((error: unknown) => {
    throw new DeniedError('passkey', `The passkey could not be added: ${error instanceof Error ? error.message : 'it was refused'}`, {
      cause: error,
    })
  })
  if (!verified.verified) throw new DeniedError('passkey', 'The passkey could not be added.')
  const { credential } = verified.registrationInfo
  await db.transaction(async (tx) => {
    if ((await credentials.getPasskey(tx, credential.id)) !== undefined) throw new DeniedError('passkey', 'This passkey was added before.')
    await credentials.insertPasskey(
      tx,
      {
        credentialId: credential.id,
        userId: actor.principal.personId,
        publicKey: Buffer.from(credential.publicKey),
        counter: credential.counter,
        transports: credential.transports ?? [],
        name: name.trim().slice(0, 80) || 'Passkey',
      },
      clock.now(),
    )
    await appendAudit(tx, clock, { ...actor, action: 'passkey added', subject: `user/${actor.principal.personId}`, details: { name } })
  })
}

export async function authenticationOptions({ db, clock }: AuthContext, site: Site): Promise<unknown> {
  const options = await generateAuthenticationOptions({ rpID: siteId(site), userVerification: 'preferred' })
  await credentials.insertChallenge(db, options.challenge, null, new Date(clock.now().getTime() + 5 * minutes))
  return options
}

/** Signs in with a passkey. Throws DeniedError `passkey`. */
export async function signInWithPasskey(
  { db, clock }: AuthContext,
  site: Site,
  response: unknown,
  userAgent: string | null,
): Promise<OpenedSession> {
  const refuse = (cause?: unknown): never => {
    throw new DeniedError('passkey', 'This passkey is not known here. Use a sign-in link.', { cause })
  }
  const given = Authentication.safeParse(response)
  if (!given.success) throw new InputError('That is not what a browser answers when it has used a passkey.')
  const passkey = (await credentials.getPasskey(db, given.data.id)) ?? refuse()
  const verified = await verifyAuthenticationResponse({
    response: given.data as unknown as AuthenticationResponse,
    expectedOrigin: site.origin,
    expectedRPID: siteId(site),
    requireUserVerification: false,
    // One that was given out for adding a passkey, to somebody signed in, is no challenge for signing in.
    expectedChallenge: async (challenge) => (await credentials.takeChallenge(db, challenge, clock.now()))?.userId === null,
    credential: {
      id: passkey.credentialId,
      publicKey: Uint8Array.from(passkey.publicKey),
      counter: passkey.counter,
      transports: passkey.transports as never,
    },
  }).catch(refuse)
  if (!verified.verified) refuse()
  return db.transaction(async (tx) => {
    const user = await rows.getUser(tx, passkey.userId)
    if (user === undefined || user.disabledAt !== null) return refuse()
    await credentials.touchPasskey(tx, passkey.credentialId, verified.authenticationInfo.newCounter, clock.now())
    return openSession(tx, clock, passkey.userId, userAgent, `passkey ${passkey.name}`)
  })
}

export async function removePasskey({ db, clock }: AuthContext, actor: Actor, credentialId: string): Promise<void> {
  onlyPeople(actor, 'remove a passkey')
  await db.transaction(async (tx) => {
    if (!(await credentials.deletePasskey(tx, actor.principal.personId, credentialId))) throw new NotFoundError('You have no such passkey.')
    await appendAudit(tx, clock, { ...actor, action: 'passkey removed', subject: `user/${actor.principal.personId}`, details: {} })
  })
}
