/**
 * Whether a model may be asked, and the analyst that asks it. What it needs is loaded when it is first asked, and never where none is. The month's cap is
 * looked at before anything is begun: reached, nothing is, and every place that shows investigations says so.
 */
import type { Analyst } from '../../agent/analyst.ts'
import { DeniedError } from '../../domain/errors.ts'
import type { Triaged } from '../../domain/triage.ts'
import { money } from '../../domain/written-by.ts'
import type { Investigation } from '../../store/investigations.ts'
import type { Queryable } from '../../store/database.ts'
import { getInvestigation } from '../../store/investigations.ts'
import { askModel } from '../../store/deepenings.ts'
import { findIncident } from '../../store/find.ts'
import { monthAt, usdIn } from '../../store/spend.ts'
import { appendAudit } from '../../store/audit.ts'
import type { Falconer } from './falconer.ts'
import type { Who } from './who.ts'

export type Asking = {
  /** As people call it. */ title: string
  /** Null: one may be asked; else why none is, as a clause. */ why: string | null
  /** Of its investigations. */ name: string
  analyst(): Promise<Analyst>
}

export const noneAsked = (why: string): Asking => ({
  title: 'Claude',
  why,
  name: 'claude',
  analyst: () => Promise.reject(new DeniedError('no_model', `No model is asked: ${why}.`)),
})

/** One that is given: by tests. */
export const askingThis = (analyst: Analyst): Asking => ({ title: 'Claude', why: null, name: analyst.name, analyst: async () => analyst })

export type MonthCap = { usd: number; capUsd: number; reached: boolean; month: string }

export async function monthCap(
  { clock, config, ...falconer }: Pick<Falconer, 'db' | 'clock' | 'config'>,
  db: Queryable = falconer.db,
): Promise<MonthCap> {
  const month = monthAt(clock.now())
  const usd = await usdIn(db, month)
  return { usd, capUsd: config.FALCONER_MODEL_USD_MONTH, reached: usd >= config.FALCONER_MODEL_USD_MONTH, month: month.name }
}

/** A clause; null: there is money left. */
export const cappedWords = ({ usd, capUsd, reached, month }: MonthCap): string | null =>
  reached
    ? `the cap of ${money(capUsd)} for ${month} is reached (${money(usd)} spent), so until the month is over only the playbook investigates`
    : null

/** A person asks: before all that wait by themselves. Answers the one that is at work already, if there is one. Throws DeniedError. */
export async function askNow(
  falconer: Falconer,
  incidentId: string,
  { principal, channel }: Pick<Who, 'principal' | 'channel'>,
): Promise<Investigation> {
  const { db, clock, asking } = falconer
  if (asking.why !== null) throw new DeniedError('no_model', `No model can be asked: ${asking.why}.`)
  const capped = cappedWords(await monthCap(falconer))
  if (capped !== null) throw new DeniedError('budget', `${asking.title} was not asked: ${capped}. Raise FALCONER_MODEL_USD_MONTH to go on.`)
  const id = await db.transaction(async (tx) => {
    const incident = await findIncident(tx, incidentId)
    const asked = { analyst: asking.name, by: principal.name, byPerson: true, reason: 'somebody asked for it', at: clock.now() }
    const deepening = await askModel(tx, { incident, ...asked })
    if (deepening?.made !== true) return deepening?.id
    // It costs money.
    const about = { action: 'incident model asked', subject: `incident/${incident.id}`, details: { investigation: deepening.id } }
    await appendAudit(tx, clock, { principal, channel, ...about })
    return deepening.id
  })
  const investigation = id === undefined ? undefined : await getInvestigation(db, id)
  if (investigation === undefined) throw new DeniedError('state', 'It has just been investigated. Look at it again.')
  falconer.changed('incidents')
  falconer.deepen()
  return investigation
}

/** Whether a model was asked, and why, as a sentence. */
export function triageWords({ title }: Pick<Asking, 'title'>, { outcome, code, reason }: Triaged): string {
  if (outcome === 'ask') return `${title} is asked because ${reason}.`
  if (outcome === 'later') return `${title} is asked again later: ${reason}.`
  return code === 'nothing_new' ? `${title} was not asked again: ${reason}.` : `${title} was not asked: ${reason}.`
}
