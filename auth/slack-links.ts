/**
 * Who somebody in Slack is here. They ask there and open a link, signed in; the page shows a code, and whoever asked types it in Slack. So it takes one person
 * who holds both: a link that was sent to somebody else gives its sender nothing. Nothing else binds the two, no e-mail address, no name. One account of a
 * workspace is one person and the other way round. Ended from either side; all of it audited.
 */
import { timingSafeEqual } from 'node:crypto'
import { DeniedError, NotFoundError } from '../domain/errors.ts'
import type { Principal } from '../domain/principal.ts'
import { appendAudit } from '../store/audit.ts'
import type { Transaction } from '../store/database.ts'
import { getUser } from '../store/people.ts'
import * as rows from '../store/slack-links.ts'
import { type Actor, type AuthContext, onlyPeople, userPrincipal } from './people.ts'
import { hashSecret, newCode, newSecret } from './secrets.ts'

const requestMinutes = 15
const mostWrong = 5

/** The token of the link to open; earlier ones stop working. */
export async function requestSlackLink(
  { db, clock }: AuthContext,
  who: rows.SlackRequest,
): Promise<{ token: string; expiresAt: Date; minutes: number }> {
  const token = newSecret('fls_')
  const expiresAt = new Date(clock.now().getTime() + requestMinutes * 60_000)
  const named = { ...who, name: who.name.slice(0, 100), teamName: who.teamName.slice(0, 100) }
  await rows.saveSlackRequest(db, named, { tokenHash: hashSecret(token), expiresAt })
  return { token, expiresAt, minutes: requestMinutes }
}

/** Who asked. Throws NotFoundError, also where somebody else was shown the code. */
export async function slackRequest({ db, clock }: AuthContext, { principal }: Actor, token: string): Promise<rows.SlackRequest> {
  const about = { tokenHash: hashSecret(token), userId: principal.personId, at: clock.now() }
  return (await rows.findSlackRequest(db, about)) ?? gone()
}

/** “That is me”: the code that they are to type in Slack; earlier ones stop working. Throws NotFoundError, DeniedError `person_only`. */
export async function slackLinkCode(
  { db, clock }: AuthContext,
  actor: Actor,
  token: string,
): Promise<{ asked: rows.SlackRequest; code: string; expiresAt: Date }> {
  onlyPeople(actor, 'be somebody in Slack')
  if (actor.principal.kind !== 'user') throw new DeniedError('person_only', 'Only a signed-in person can be somebody in Slack.')
  const code = newCode()
  const about = { tokenHash: hashSecret(token), userId: actor.principal.personId, at: clock.now(), codeHash: hashSecret(code) }
  const asked = (await rows.findSlackRequest(db, about)) ?? gone()
  return { asked, code, expiresAt: asked.expiresAt }
}

/**
 * The code, as this account in Slack typed it. Answers who they are from now on; whom the account, or that person, was linked with before is not any more.
 * Throws DeniedError `slack_code`; after a few wrong ones the request is over.
 */
export async function confirmSlackLink({ db, clock }: AuthContext, who: rows.SlackUser, typed: string): Promise<Principal> {
  const outcome = await db.transaction(async (tx): Promise<Principal | DeniedError> => {
    const asked = await rows.lockSlackRequest(tx, who, clock.now())
    if (asked === undefined) return new DeniedError('slack_code', nothingOpen)
    if (!timingSafeEqual(asked.codeHash, hashSecret(typed.toUpperCase().replace(/[^A-Z0-9]/g, '')))) {
      const left = mostWrong - asked.wrong - 1
      await (left > 0 ? rows.countWrongSlackCode(tx, who) : rows.deleteSlackRequest(tx, who))
      return new DeniedError('slack_code', wrongCode(left))
    }
    await rows.deleteSlackRequest(tx, who)
    const user = await getUser(tx, asked.userId)
    if (user === undefined || user.disabledAt !== null) return new DeniedError('slack_code', nothingOpen)
    const principal = userPrincipal(user)
    const replaced = await rows.insertSlackLink(tx, who, user.id, clock.now())
    const details = { team: who.team, slackUser: who.user, replaced }
    await appendAudit(tx, clock, { principal, channel: 'slack', action: 'slack linked', subject: `user/${user.id}`, details })
    return principal
  })
  if (outcome instanceof DeniedError) throw outcome
  return outcome
}

const keepIt = 'If somebody sent you a link or asks you for a code, give it to nobody: they would act as you.'
const nothingOpen = `No code is waited for from your account in Slack. Type /falconer link, open the link yourself and type the code that its page shows, within ${requestMinutes} minutes. ${keepIt}`
const wrongCode = (left: number): string =>
  left > 0
    ? `That is not the code for your account in Slack. Read it again on the page; ${left === 1 ? 'one try is' : `${left} tries are`} left. ${keepIt}`
    : `That was not the code, ${mostWrong} times. Type /falconer link for a new link. ${keepIt}`

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
  throw new NotFoundError(
    `This link is not valid any more, or somebody else opened it: it is for one person, for ${requestMinutes} minutes. In Slack, type /falconer link for a new one.`,
  )
}
