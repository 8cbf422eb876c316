/** What is normal where: the most frequent counts of a place as of today. The API and the command ask it. */
import { dayBefore, dayOf, type NormalHere, usual, type UsualLevel, windowDays } from '../../incidents/baseline.ts'
import { watchedOf } from '../../incidents/normal.ts'
import { fromDate } from '../../domain/event-time.ts'
import { type BaselineFilter, listCounts } from '../../store/baseline-counts.ts'
import type { Falconer } from './falconer.ts'

/** More are not looked through for those of one level. */
const mostLooked = 2_000

/** Today, which is not over, is left out. `whole` false: there are more. */
export async function baselineNow(
  { db, clock }: Pick<Falconer, 'db' | 'clock'>,
  { level, limit, ...filter }: BaselineFilter & { level?: UsualLevel; limit: number },
): Promise<{ normal: (NormalHere & { scope: string })[]; whole: boolean }> {
  const today = dayOf(fromDate(clock.now()))
  const looked = level === undefined ? limit + 1 : mostLooked
  const counts = await listCounts(db, filter, today, { from: dayBefore(today, windowDays), limit: looked })
  const watched = await watchedOf(db, new Set(counts.map(({ scope }) => scope)))
  const normal = counts
    .map(({ days, placeSince, tag: _id, ...one }) => ({
      ...one,
      usual: usual(days, today, { watched: watched.get(one.scope) ?? [], placeSince }, one.said),
    }))
    .filter((one) => level === undefined || one.usual.level === level)
    .toSorted((a, b) => b.usual.count - a.usual.count)
  return { normal: normal.slice(0, limit), whole: normal.length <= limit && counts.length < looked }
}
