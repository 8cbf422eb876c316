/** Since when somebody asks: today, yesterday, last night, the last hours or days, since a day or a moment. All in UTC, as all that is told is. */
export type Since = { at: Date; /** As it is said in an answer. */ text: string }

const hour = 3_600_000
const lengths: Readonly<Record<string, number>> = { minute: 60_000, hour, day: 24 * hour, week: 7 * 24 * hour, month: 30 * 24 * hour }

/** Null: the question names no time. */
export function sinceWhen(words: string, now: Date): Since | null {
  const since = (at: Date): Since => ({ at, text: `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC` })
  const midnight = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()))
  const before = (ms: number): Since => since(new Date(now.getTime() - ms))
  const named = / (\d{4}-\d\d-\d\d(?:t\d\d:\d\d(?::\d\d(?:\.\d+)?)?z?)?) /.exec(words)?.[1]
  if (named !== undefined) {
    const at = new Date(named.length === 10 ? `${named}T00:00:00Z` : `${named.replace(/z$/, '')}Z`.toUpperCase())
    return Number.isNaN(at.getTime()) ? null : since(at)
  }
  const [, count = '', unit = ''] = / (?:last|past|in|previous|these) (\d{1,3})? ?(minute|hour|day|week|month)s? /.exec(words) ?? []
  if (unit !== '') return before(Number(count === '' ? 1 : count) * (lengths[unit] ?? hour))
  if (/ (?:yesterday|overnight|last night|over night) /.test(words)) return since(new Date(midnight.getTime() - 24 * hour))
  if (/ (?:today|this morning) /.test(words)) return since(midnight)
  if (/ this week | recently | lately /.test(words)) return before(7 * 24 * hour)
  return null
}
