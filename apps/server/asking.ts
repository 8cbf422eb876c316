/**
 * Whether a model may be asked, and the analyst that asks it. What it needs is loaded when it is first asked, and never where none is. The month's cap is
 * looked at before anything is begun: reached, nothing is, and every place that shows investigations says so.
 */
import type { Analyst } from '../../agent/analyst.ts'
import type { FirstLooker } from '../../agent/first-look.ts'
import { modelSettings } from '../../agent/model/settings.ts'
import type { Config } from '../../config/config.ts'
import { DeniedError, NotFoundError } from '../../domain/errors.ts'
import { isId } from '../../domain/ids.ts'
import type { Triaged } from '../../domain/triage.ts'
import { money } from '../../domain/written-by.ts'
import type { Queryable } from '../../store/database.ts'
import { getInvestigation, type Investigation, investigationsOf } from '../../store/investigations.ts'
import { asInvestigation, askModel, deepeningsOf, getDeepening } from '../../store/deepenings.ts'
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
  /** By the model for triage; not there where none is wanted. */ firstLook?: FirstLooker
}

/** As the configuration says. Throws ConfigError where it cannot be used. */
export function askingFrom(config: Config, parts: Parameters<typeof openAnalyst>[1]): Asking {
  const settings = modelSettings(config)
  if (settings === null) return noneAsked(config.FALCONER_NO_MODEL ? 'it is switched off (--no-model)' : 'none is configured')
  let opened: ReturnType<typeof openAnalyst> | null = null
  const open = (): ReturnType<typeof openAnalyst> => (opened ??= openAnalyst(config, parts))
  return {
    title: settings.provider === 'anthropic' ? 'Claude' : 'The model',
    why: null,
    name: 'claude',
    analyst: async () => (await open()).analyst,
    ...(config.FALCONER_MODEL_TRIAGE_UP_TO === undefined
      ? {}
      : { firstLook: async (...asked: Parameters<FirstLooker>) => (await open()).firstLook(...asked) }),
  }
}

async function openAnalyst(
  config: Config,
  { db, clock, log }: Pick<Falconer, 'db' | 'clock' | 'log'>,
): Promise<{ analyst: Analyst; firstLook: FirstLooker }> {
  const [{ openModels, loadProvider }, { claudeAnalyst }, { firstLooker }] = await Promise.all([
    import('./models.ts'),
    import('../../agent/claude/claude.ts'),
    import('../../agent/first-look.ts'),
  ])
  const models = openModels(config, { db, clock, log })
  if (models === null) throw new DeniedError('no_model', 'No model is asked: none is configured.')
  await loadProvider(config)
  return { analyst: claudeAnalyst(db, models), firstLook: firstLooker(models) }
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

/** For the ledger of what was looked at. */
export const modelInLedger = (falconer: Falconer) => async (): Promise<{ name: string; capped: string | null } | null> =>
  falconer.asking.why === null ? { name: falconer.asking.title, capped: cappedWords(await monthCap(falconer)) } : null

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
  const deepening = await db.transaction(async (tx) => {
    const incident = await findIncident(tx, incidentId)
    const asked = await askModel(tx, { incident, by: principal.name, byPerson: true, reason: 'somebody asked for it', at: clock.now() })
    if (asked?.made !== true) return asked?.deepening
    // It costs money.
    const about = { action: 'incident model asked', subject: `incident/${incident.id}`, details: { investigation: asked.deepening.id } }
    await appendAudit(tx, clock, { principal, channel, ...about })
    return asked.deepening
  })
  if (deepening === undefined) throw new DeniedError('state', 'It has just been investigated. Look at it again.')
  falconer.changed('incidents')
  falconer.deepen()
  return (await getInvestigation(db, deepening.id)) ?? asInvestigation(deepening, asking.name)
}

/** One that has begun, waits, or came to nothing before it began. */
export async function findInvestigation({ db, asking }: Falconer, id: string): Promise<Investigation> {
  const found = isId(id) ? await getInvestigation(db, id) : undefined
  if (found !== undefined) return found
  const asked = isId(id) ? await getDeepening(db, id) : undefined
  if (asked === undefined) throw new NotFoundError(`There is no investigation ${id}.`)
  return asInvestigation(asked, asking.name)
}

/** All of an incident, newest first. */
export async function allInvestigations({ db, asking }: Falconer, incidentId: string): Promise<Investigation[]> {
  const begun = await investigationsOf(db, incidentId)
  const known = new Set(begun.map(({ id }) => id))
  const others = (await deepeningsOf(db, incidentId)).filter(({ id, state }) => !known.has(id) && state !== 'done' && state !== 'spared')
  return [...begun, ...others.map((one) => asInvestigation(one, asking.name))].sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime())
}

/** Whether a model is or was asked, and why, as a sentence. */
export function triageWords({ title }: Pick<Asking, 'title'>, { outcome, code, reason }: Triaged, { open = false } = {}): string {
  if (outcome === 'ask') return `${title} ${open ? 'is' : 'was'} asked because ${reason}.`
  if (outcome === 'later') return `${title} is asked again later: ${reason}.`
  return code === 'nothing_new' ? `${title} was not asked again: ${reason}.` : `${title} was not asked: ${reason}.`
}
