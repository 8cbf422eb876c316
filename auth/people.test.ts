/** People on both databases: the first link, invitations, roles, the last administrator, sessions and tokens, to the millisecond. */
import { beforeAll, describe, expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { DeniedError, FalconerError } from '../domain/errors.ts'
import { demoPrincipal, operatorPrincipal, type Role, roles } from '../domain/principal.ts'
import { listAudit, verifyAudit } from '../store/audit.ts'
import { listUsers, sweepExpired } from '../store/people.ts'
import { eachDatabase } from '../test/support/database.ts'
import {
  type Actor,
  type AuthContext,
  createToken,
  firstAdministratorLink,
  invite,
  type Link,
  newLinkFor,
  revokeToken,
  sessionOf,
  setDisabled,
  setRole,
  signInWithLink,
  signOut,
  tokenPrincipal,
  userPrincipal,
} from './people.ts'

const operator: Actor = { principal: operatorPrincipal, channel: 'cli' }
const hour = 3_600_000
const day = 24 * hour

/** What it was refused with, or `done`. */
const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof DeniedError ? error.reason : error instanceof FalconerError ? error.code : String(error)),
  )

eachDatabase('people', (database) => {
  let auth: AuthContext
  let clock: FixedClock
  let count = 0
  beforeAll(() => {
    clock = new FixedClock('2026-11-23T12:00:00Z')
    auth = { db: database(), clock }
  })
  const add = (role: Role, name = `Person ${(count += 1)}`): Promise<Link> => invite(auth, operator, name, role)
  const actorOf = (link: Link, role: Role = link.user.role): Actor => ({ principal: userPrincipal({ ...link.user, role }), channel: 'web' })

  describe('the first administrator', () => {
    it('has a link at every start until somebody signs in, the newest only, and never again', async () => {
      const first = (await firstAdministratorLink(auth)) as Link
      const second = (await firstAdministratorLink(auth)) as Link
      expect(first.user).toMatchObject({ name: 'admin', role: 'administrator' })
      expect(second.user.id).toBe(first.user.id)
      expect(await refusal(signInWithLink(auth, first.token, null))).toBe('link')
      const { token } = await signInWithLink(auth, second.token, null)
      expect(await firstAdministratorLink(auth)).toBeUndefined()
      await signOut(auth, actorOf(second), token)
      expect(await firstAdministratorLink(auth)).toBeUndefined()
      clock.advance(40 * day)
      await sweepExpired(auth.db, clock.now())
      expect(await firstAdministratorLink(auth)).toBeUndefined()
    })
  })

  describe('a link', () => {
    it('is used once, however many use it at once', async () => {
      for (let round = 0; round < 5; round += 1) {
        const { token } = await add('viewer')
        const outcomes = await Promise.all(Array.from({ length: 10 }, () => refusal(signInWithLink(auth, token, null))))
        expect(outcomes.filter((one) => one === 'done')).toHaveLength(1)
        expect(outcomes.filter((one) => one === 'link')).toHaveLength(9)
      }
    })
    it.each([
      ['an invitation', 72, add],
      ['for somebody known', 1, async () => newLinkFor(auth, operator, (await add('viewer')).user.id)],
    ] as const)('%s is good for %i hours, to the millisecond', async (_what, hours, make) => {
      const [good, late] = [await make('viewer'), await make('viewer')]
      expect(good.expiresAt.getTime() - clock.now().getTime()).toBe(hours * hour)
      clock.advance(hours * hour - 1)
      expect(await refusal(signInWithLink(auth, good.token, null))).toBe('done')
      clock.advance(1)
      expect(await refusal(signInWithLink(auth, late.token, null))).toBe('link')
    })
    it('made anew closes the one before; nobody who is disabled gets one or uses one', async () => {
      const invitation = await add('viewer')
      const again = await newLinkFor(auth, operator, invitation.user.id)
      expect(await refusal(signInWithLink(auth, invitation.token, null))).toBe('link')
      await setDisabled(auth, operator, invitation.user.id, true)
      expect(await refusal(signInWithLink(auth, again.token, null))).toBe('link')
      expect(await refusal(newLinkFor(auth, operator, invitation.user.id))).toBe('input')
      await setDisabled(auth, operator, invitation.user.id, false)
      expect(await refusal(signInWithLink(auth, again.token, null))).toBe('done')
    })
    it('is made for a name that can be read, is not taken in any case, and is no id', async () => {
      const { user } = await add('viewer', 'Zoë O’Neil')
      for (const name of ['', ' ', 'zoë o’neil', 'ZOË O’NEIL', '-x', 'a\u202eb', 'a\0b', 'a\nb', '<b>', 'x'.repeat(81), user.id])
        expect(await refusal(add('viewer', name)), name).toBe('input')
    })
  })

  describe('the last administrator', () => {
    it('stays: neither lowered nor disabled, not even by two at once', async () => {
      const [admin] = (await listUsers(auth.db)).filter((one) => one.role === 'administrator')
      const id = admin?.id ?? ''
      expect(await refusal(setRole(auth, operator, id, 'viewer'))).toBe('last_administrator')
      expect(await refusal(setDisabled(auth, operator, id, true))).toBe('last_administrator')
      const other = await add('administrator')
      const both = await Promise.all([
        refusal(setRole(auth, operator, id, 'responder')),
        refusal(setDisabled(auth, operator, other.user.id, true)),
      ])
      expect(both.toSorted()).toEqual(['done', 'last_administrator'])
      await setDisabled(auth, operator, other.user.id, false)
      await setRole(auth, operator, id, 'administrator')
      expect(await refusal(setRole(auth, operator, other.user.id, 'viewer'))).toBe('done')
    })
    it('and nobody who is not there is changed', async () => {
      expect(await refusal(setRole(auth, operator, 'nobody', 'viewer'))).toBe('not_found')
      expect(await refusal(setDisabled(auth, operator, '00000000-0000-4000-8000-000000000000', true))).toBe('not_found')
    })
  })

  describe('a session', () => {
    const open = async (): Promise<{ link: Link; token: string }> => {
      const link = await add('responder')
      return { link, token: (await signInWithLink(auth, link.token, 'agent')).token }
    }
    it('is good for 14 days of use, and 72 hours without', async () => {
      const [used, idle] = [await open(), await open()]
      for (let days = 0; days < 13; days += 1) {
        clock.advance(day)
        expect(await sessionOf(auth, used.token), `after ${days + 1} days`).toBeDefined()
        if (days === 1) expect(await sessionOf(auth, idle.token, { touch: false })).toBeDefined()
        if (days === 2) expect(await sessionOf(auth, idle.token)).toBeUndefined()
      }
      clock.advance(day - 1)
      expect(await sessionOf(auth, used.token)).toBeDefined()
      clock.advance(1)
      expect(await sessionOf(auth, used.token)).toBeUndefined()
    })
    it('has a person who may approve, with the role they have now, and a token of its own against forgery', async () => {
      const [one, two] = [await open(), await open()]
      const session = await sessionOf(auth, one.token)
      expect(session?.principal).toMatchObject({ id: one.link.user.id, kind: 'user', role: 'responder', mayApprove: true })
      expect(session?.csrf).toMatch(/^[\w-]{36}$/)
      expect(session?.csrf).not.toBe((await sessionOf(auth, two.token))?.csrf)
      await setRole(auth, operator, one.link.user.id, 'investigator')
      expect((await sessionOf(auth, one.token))?.principal.role).toBe('investigator')
    })
    it('ends with signing out, and with being disabled; enabling does not bring it back', async () => {
      const [out, disabled] = [await open(), await open()]
      await signOut(auth, actorOf(out.link), out.token)
      expect(await sessionOf(auth, out.token)).toBeUndefined()
      await setDisabled(auth, operator, disabled.link.user.id, true)
      await setDisabled(auth, operator, disabled.link.user.id, false)
      expect(await sessionOf(auth, disabled.token)).toBeUndefined()
    })
  })

  describe('a token', () => {
    const make = (link: Link, role: Role, days = 30): Promise<{ token: string; id: string }> =>
      createToken(auth, actorOf(link), { userId: link.user.id, name: 'script', role, days })

    it.each(roles)('of a %s is never more than its owner, when it is made or later, and may not approve', async (role) => {
      const link = await add(role)
      for (const wanted of roles)
        expect(await refusal(make(link, wanted)), wanted).toBe(roles.indexOf(wanted) <= roles.indexOf(role) ? 'done' : 'entitlement')
      const { token } = await make(link, role)
      for (const now of roles) {
        await setRole(auth, operator, link.user.id, now)
        const principal = await tokenPrincipal(auth, token)
        expect(principal, now).toMatchObject({ kind: 'token', personId: link.user.id, mayApprove: false })
        expect(roles.indexOf(principal?.role as Role)).toBe(Math.min(roles.indexOf(now), roles.indexOf(role)))
      }
    })
    it('is good for its days, until revoked, and while its owner is enabled', async () => {
      const link = await add('viewer')
      const [old, revoked, kept] = [await make(link, 'viewer', 1), await make(link, 'viewer'), await make(link, 'viewer')]
      clock.advance(day - 1)
      expect(await tokenPrincipal(auth, old.token)).toBeDefined()
      clock.advance(1)
      expect(await tokenPrincipal(auth, old.token)).toBeUndefined()
      await revokeToken(auth, actorOf(link), revoked.id, link.user.id)
      expect(await tokenPrincipal(auth, revoked.token)).toBeUndefined()
      expect(await refusal(revokeToken(auth, actorOf(link), revoked.id, link.user.id))).toBe('not_found')
      await setDisabled(auth, operator, link.user.id, true)
      expect(await tokenPrincipal(auth, kept.token)).toBeUndefined()
      for (const odd of ['', 'x', `${kept.token} `, kept.token.toUpperCase(), kept.token.slice(0, -1)])
        expect(await tokenPrincipal(auth, odd), odd).toBeUndefined()
    })
    it('of somebody else is not revoked', async () => {
      const [owner, other] = [await add('viewer'), await add('administrator')]
      const { id, token } = await make(owner, 'viewer')
      expect(await refusal(revokeToken(auth, actorOf(other), id, other.user.id))).toBe('not_found')
      expect(await tokenPrincipal(auth, token)).toBeDefined()
      expect(await refusal(revokeToken(auth, operator, id, null))).toBe('done')
    })
    it('makes no link, no person and no token; neither does the demo', async () => {
      const link = await add('administrator')
      const principal = await tokenPrincipal(auth, (await make(link, 'administrator')).token)
      for (const actor of [
        { principal, channel: 'api' },
        { principal: demoPrincipal, channel: 'cli' },
      ] as Actor[]) {
        expect(await refusal(invite(auth, actor, 'Nobody', 'viewer'))).toBe('person_only')
        expect(await refusal(newLinkFor(auth, actor, link.user.id))).toBe('person_only')
        expect(await refusal(createToken(auth, actor, { userId: link.user.id, name: 'x', role: 'viewer', days: 1 }))).toBe('person_only')
      }
    })
  })

  it('leaves an audit entry of each change, and no secret in any of them', async () => {
    const link = await add('investigator', 'Audited')
    const { token: session } = await signInWithLink(auth, link.token, null)
    const { token, id } = await createToken(auth, actorOf(link), { userId: link.user.id, name: 'ci', role: 'viewer', days: 1 })
    await setRole(auth, operator, link.user.id, 'responder')
    await revokeToken(auth, operator, id, null)
    await setDisabled(auth, operator, link.user.id, true)
    const entries = await listAudit(auth.db, { limit: 6 })
    expect(entries.map((entry) => `${entry.action} by ${entry.principal.name}`)).toEqual([
      'user disabled by Command line',
      'token revoked by Command line',
      'user role changed by Command line',
      'token made by Audited',
      'signed in by Audited',
      'user added by Command line',
    ])
    const all = JSON.stringify(await listAudit(auth.db, { limit: 500 }), (_key, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    for (const secret of [link.token, session, token]) expect(all).not.toContain(secret)
    expect((await verifyAudit(auth.db)).broken).toBeNull()
  })
})
