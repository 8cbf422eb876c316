/** How fresh and how whole an answer about fixes is: which scans it stands on, what no scanner looked at, and whether it is being brought up to date. */
import { sql } from 'kysely'
import { formatEventTime } from '../domain/event-time.ts'
import type { Queryable } from './database.ts'
import { waitingFixes } from './fix-marks.ts'
import { inventoryFreshness } from './inventory-standing.ts'
import { type FixFilter, unscannedPlaces } from './fixes.ts'
import { scansBetween } from './scans.ts'
import { unescapeText } from './values.ts'

const named = (titles: readonly string[], rest: number): string =>
  rest > 0
    ? `${titles.join(', ')} and ${rest.toLocaleString('en')} more`
    : [titles.slice(0, -1).join(', '), ...titles.slice(-1)].filter((part) => part !== '').join(' and ')

/** Null: something is known of this cluster or account; else those of which something is. */
async function otherScopes(db: Queryable, scope: string): Promise<string[] | null> {
  const known = (
    await db.query(
      sql<{ scope: string }>`select scope from graph_units union select scope from scans union select scope from sources order by 1`,
    )
  ).map((row) => unescapeText(row.scope))
  return known.includes(scope) ? null : known.filter((one) => one !== 'global')
}

/** '' where inventory is there: of what it does not have each fix says so. */
async function withoutInventory(db: Queryable, { scope }: FixFilter, shown: (name: string) => string): Promise<string> {
  const known = await inventoryFreshness(db)
  if (known.some((one) => scope === undefined || one.scope === scope)) return ''
  return ` No inventory${scope === undefined ? '' : ` of “${shown(scope)}”`} was collected: what runs where, and what the internet leads to, is not known; that raises and lowers nothing.`
}

/** In sentences; `shown` shows the names of places. */
export async function standing({ db }: { db: Queryable }, filter: FixFilter, shown = (name: string): string => name): Promise<string> {
  const others = filter.scope === undefined ? null : await otherScopes(db, filter.scope)
  if (others !== null)
    return `Nothing here is called “${shown(filter.scope ?? '')}”: ${others.length === 0 ? 'no cluster or account is known yet.' : `there are ${named(others.slice(0, 10).map(shown), others.length - 10)}.`}`
  const scans = await scansBetween(db, filter.scope)
  const on = (ns: bigint): string => `${formatEventTime(ns).slice(0, 16).replace('T', ' ')} UTC`
  const looked =
    scans === undefined
      ? 'No scanner has reported yet: nothing is known of what there is to fix.'
      : `It stands on scans of ${on(scans.oldestNs)} to ${on(scans.newestNs)}.`
  const { total, titles } = await unscannedPlaces(db, filter)
  const rest = total - titles.length
  const unseen =
    total === 0 ? '' : ` No scanner has looked at an image of ${named(titles.map(shown), rest)}: flaws in what runs there are not known.`
  const waiting = await waitingFixes(db)
  return `${looked}${unseen}${scans === undefined ? '' : await withoutInventory(db, filter, shown)}${waiting === 0 ? '' : ' It is being brought up to date.'}`
}
