/** Who watches for alerts, in one sentence that can stand beside any answer about them: where nobody watched, no alert says nothing. */
import { isSilent } from '../domain/coverage.ts'
import { formatEventTime } from '../domain/event-time.ts'
import { type Ledgered, silentBeforeNs } from './coverage-ledger.ts'
import { countSensors } from './sensors.ts'
import { listSources } from './sources.ts'

const ofAlerts: ReadonlySet<string> = new Set(['falco', 'kubernetes-audit', 'cloudtrail'])

/** Names of sensors and hosts are not in it. */
export async function watchedBy({ db, clock }: Ledgered, scope?: string): Promise<string> {
  const now = clock.now()
  const here = (one: { scope: string }): boolean => scope === undefined || one.scope === scope
  const sources = (await listSources(db)).filter((source) => here(source) && ofAlerts.has(source.collector))
  const heard = sources.flatMap(({ lastSeenAt }) => (lastSeenAt === null ? [] : [lastSeenAt]))
  const newest = heard.toSorted((a, b) => b.getTime() - a.getTime())[0]
  if (newest === undefined) return 'No source of alerts was ever heard: that there is no alert says nothing.'
  const parts = [`Alerts were last received at ${moment(newest)}`]
  const silent = sources.filter((source) => isSilent(source, now)).flatMap(({ lastSeenAt }) => (lastSeenAt === null ? [] : [lastSeenAt]))
  if (silent.length > 0) parts.push(`${silent.length} of ${sources.length} sources not observed since ${moment(earliest(silent))}`)
  return `${[...parts, ...(await ofSensors({ db, clock }, scope))].join('; ')}. What no sensor saw is not known.`
}

async function ofSensors({ db, clock }: Ledgered, scope: string | undefined): Promise<string[]> {
  const { total, dropping, silent, quietestNs } = await countSensors(db, { scope, silentBeforeNs: silentBeforeNs(clock) })
  if (total === 0) return ['no sensor has told of itself']
  return [
    ...(quietestNs === null
      ? []
      : [`${silent} of ${total} sensors silent, the longest since ${formatEventTime(quietestNs).slice(0, 19)}Z`]),
    ...(dropping === 0 ? [] : [`${dropping} of ${total} sensors dropped events`]),
  ]
}

const earliest = (all: readonly Date[]): Date => all.reduce((least, one) => (one < least ? one : least))
const moment = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`
