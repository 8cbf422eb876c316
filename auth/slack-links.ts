/**
 * Who somebody in Slack is here. They ask there, are given a link that works once, and the signed-in person who opens it says “that is me”. Nothing else
 * binds the two: no e-mail address, no name. One account of a workspace is one person and the other way round. Ended from either side; all of it audited.
 */
import { DeniedError, NotFoundError } from '../domain/errors.ts'
import type { Principal } from '../domain/principal.ts'
import { appendAudit } from '../store/audit.ts'
import type { Transaction } from '../store/database.ts'
import * as rows from '../store/slack-links.ts'
import { type Actor, type AuthContext, onlyPeople, userPrincipal } from './people.ts'
import { hashSecret, newSecret } from './secrets.ts'

const requestMinutes = 15

/** The token of the link to confirm; earlier ones stop working. */
export async function requestSlackLink(
  { db, clock }: AuthContext,
  who: rows.SlackRequest,
): Promise<{ token: string; expiresAt: Date; minutes: number }> {
  const token = newSecret('fls_')
  const at = clock.now()
  const expiresAt = new Date(at.getTime() + requestMinutes * 60_000)
  await rows.insertSlackRequest(db, { ...who, name: who.name.slice(0, 100) }, { tokenHash: hashSecret(token), at, expiresAt })
  return { token, expiresAt, minutes: requestMinutes }
}

/** Who asked, without using the link up. Throws NotFoundError. */
export async function slackRequest({ db, clock }: AuthContext, token: string): Promise<rows.SlackRequest> {
  return (await rows.findSlackRequest(db, hashSecret(token), clock.now())) ?? gone()
}

/** “That is me.” Whom this account, or this person, was linked with before is not any more. Throws NotFoundError, DeniedError `person_only`. */
export async function confirmSlackLink({ db, clock }: AuthContext, actor: Actor, token: string): Promise<rows.SlackRequest> {
  onlyPeople(actor, 'be somebody in Slack')
  if (actor.principal.kind !== 'user') throw new DeniedError('person_only', 'Only a signed-in person can be somebody in Slack.')
  return db.transaction(async (tx) => {
    const asked = (await rows.findSlackRequest(tx, hashSecret(token), clock.now(), { use: true })) ?? gone()
    const replaced = await rows.insertSlackLink(tx, asked, actor.principal.personId, clock.now())
    const details = { team: asked.team, slackUser: asked.user, replaced }
    await appendAudit(tx, clock, { ...actor, action: 'slack linked', subject: `user/${actor.principal.personId}`, details })
    return asked
  })
}

/** By the person, here or there. False: there was no such link of theirs. */
export async function endSlackLink({ db, clock }: AuthContext, actor: Actor, { team, user }: rows.SlackUser): Promise<boolean> {
  return db.transaction(async (tx: Transaction) => {
    const own = (await rows.slackUsersOf(tx, actor.principal.personId)).some((one) => one.team === team && one.user === user)
    if (!own) return false
    await rows.deleteSlackLink(tx, { team, user })
    const details = { team, slackUser: user }
    await appendAudit(tx, clock, { ...actor, action: 'slack unlinked', subject: `user/${actor.principal.personId}`, details })
    return true
  })
}

/** Whose principal somebody in Slack has, with the role of now. Undefined: nobody’s. */
export async function slackPrincipal({ db }: Pick<AuthContext, 'db'>, who: rows.SlackUser): Promise<Principal | undefined> {
  const person = await rows.personInSlack(db, who)
  return person && userPrincipal(person)
}

function gone(): never {
  throw new NotFoundError('This link is not valid any more: it works once, for 15 minutes. In Slack, type /falconer link for a new one.')
}
