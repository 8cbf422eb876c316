/** Decisions about findings: a named person suppresses one until a day that is not far off, and may take it back. Audited where it is decided. */
import { InputError, NotFoundError } from '../../domain/errors.ts'
import { appendAudit } from '../../store/audit.ts'
import { decideFinding } from '../../store/finding-decisions.ts'
import { type Finding, getFinding } from '../../store/finding-search.ts'
import type { Falconer } from './falconer.ts'
import type { Who } from './who.ts'

const day = 24 * 3_600_000
export const longestSuppression = 365

/** `days` null: the suppression is taken back. Throws InputError and NotFoundError. */
export async function suppressFinding(
  falconer: Falconer,
  who: Pick<Who, 'principal' | 'channel'>,
  id: string,
  { days, reason }: { days: number | null; reason: string },
): Promise<Finding> {
  const { db, clock } = falconer
  if (reason.trim() === '') throw new InputError('Say why: whoever reads this finding later needs the reason.')
  if (days !== null && (!Number.isInteger(days) || days < 1 || days > longestSuppression))
    throw new InputError(`A finding is suppressed for 1 to ${longestSuppression} days; it comes back by itself then.`)
  const at = clock.now()
  const finding = await db.transaction(async (tx) => {
    if ((await getFinding(tx, at, id)) === undefined) throw new NotFoundError(`There is no finding ${id}.`)
    const until = days === null ? null : new Date(at.getTime() + days * day)
    await decideFinding(tx, { findingId: id, at, principal: who.principal, reason, until })
    await appendAudit(tx, clock, {
      principal: who.principal,
      channel: who.channel,
      action: days === null ? 'finding no longer suppressed' : 'finding suppressed',
      subject: `finding/${id}`,
      details: { reason, until: until?.toISOString() ?? null },
    })
    return (await getFinding(tx, at, id)) as Finding
  })
  falconer.changed('findings')
  return finding
}
