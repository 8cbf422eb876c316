/** What fixes may be asked by, the same for the API and the page; and how fresh and how whole the answer is. */
import { z } from 'zod'
import { formatEventTime } from '../../domain/event-time.ts'
import { waitingFixes } from '../../store/fix-marks.ts'
import { type FixFilter, unscannedPlaces } from '../../store/fixes.ts'
import { newestScans } from '../../store/scans.ts'
import type { Falconer } from './falconer.ts'
import { findIncident } from '../../store/find.ts'

const text = z.string().min(1).max(500).optional()
export const FixQuery = z.object({
  scope: text.describe('Cluster or account that it concerns'),
  namespace: text.describe('Kubernetes namespace'),
  incident: text.describe('Only what lies where this incident is'),
})

/** Throws NotFoundError when there is no such incident. */
export async function fixFilterOf({ db }: Falconer, { incident, ...rest }: z.infer<typeof FixQuery>): Promise<FixFilter> {
  return { ...rest, ...(incident === undefined ? {} : { incident: (await findIncident(db, incident)).id }) }
}

const named = (titles: readonly string[], rest: number): string =>
  rest > 0
    ? `${titles.join(', ')} and ${rest.toLocaleString('en')} more`
    : [titles.slice(0, -1).join(', '), ...titles.slice(-1)].filter((part) => part !== '').join(' and ')

/** In sentences: which scans it stands on, what no scanner looked at, and whether it is being brought up to date. */
export async function standing({ db }: Falconer, filter: FixFilter): Promise<string> {
  const scans = await newestScans(db, { limit: 5_000, scope: filter.scope })
  const [newest, oldest] = [scans[0], scans.at(-1)]
  const on = (ns: bigint): string => `${formatEventTime(ns).slice(0, 16).replace('T', ' ')} UTC`
  const looked =
    newest === undefined || oldest === undefined
      ? 'No scanner has reported yet: nothing is known of what there is to fix.'
      : `It stands on scans of ${on(oldest.observedNs)} to ${on(newest.observedNs)}.`
  const { total, titles } = await unscannedPlaces(db, filter)
  const rest = total - titles.length
  const unseen = total === 0 ? '' : ` No scanner has looked at an image of ${named(titles, rest)}: flaws in what runs there are not known.`
  const waiting = await waitingFixes(db)
  return `${looked}${unseen}${waiting === 0 ? '' : ' It is being brought up to date.'}`
}
