/**
 * Which incidents a model is asked about, and the asking: as work that is due in rows, so that a crash loses nothing and a second server shares it. One
 * investigation of an incident at a time; whoever works on one holds it for a minute at a time, and lets go of it when told to stop.
 */
import { randomUUID } from 'node:crypto'
import { connectHands, type Hands } from '../../agent/hands.ts'
import { investigate } from '../../agent/investigate.ts'
import { looksFirst, triage } from '../../agent/triage.ts'
import { version } from '../../config/version.ts'
import { agentPrincipal } from '../../domain/principal.ts'
import { InputError } from '../../domain/errors.ts'
import type { Triaged } from '../../domain/triage.ts'
import type { Incident } from '../../domain/incident.ts'
import type { Transaction } from '../../store/database.ts'
import {
  askModel,
  capDeepenings,
  claimDeepening,
  type Deepening,
  endDeepening,
  holdDeepening,
  lastAsked,
  moveDeepening,
  openDeepenings,
  releaseDeepening,
} from '../../store/deepenings.ts'
import { lastSpared } from '../../store/first-looks.ts'
import { getIncident } from '../../store/incidents.ts'
import { getInvestigation, giveUpInvestigation } from '../../store/investigations.ts'
import { addNote } from '../../store/outside-notes.ts'
import { type DueTriage, forgetTriage, judgedAlike, noteTriage, takeDueTriage } from '../../store/triage.ts'
import { cappedWords, monthCap } from './asking.ts'
import type { Falconer } from './falconer.ts'
import { lookFirst } from './first-look.ts'
import { contextOf } from './mcp-reader.ts'
import { conclude, scopeCluster } from './investigate-now.ts'

const holdMs = 60_000
/** A crash may be its fault: so often it is begun, and no more. */
const mostAttempts = 3
const judgedMs = 7 * 24 * 3_600_000

/** Decides about all that is due. */
export async function triageDue(falconer: Falconer): Promise<boolean> {
  let decided = 0
  while (decided < 50 && (await triageNext(falconer))) decided += 1
  if (decided > 0) {
    falconer.changed('incidents')
    falconer.deepen()
  }
  return decided === 50
}

async function triageNext(falconer: Falconer): Promise<boolean> {
  const { db, clock } = falconer
  return db.transaction(async (tx) => {
    const due = await takeDueTriage(tx, clock.now())
    if (due === null) return false
    const incident = await getIncident(tx, { id: due.incidentId })
    // Merged away: its survivor is read, and decided about, for itself.
    if (incident?.id !== due.incidentId) await forgetTriage(tx, due.incidentId)
    else await noteTriage(tx, incident.id, await decide(falconer, tx, { incident, due }), clock.now())
    return true
  })
}

async function decide(falconer: Falconer, tx: Transaction, { incident, due }: { incident: Incident; due: DueTriage }): Promise<Triaged> {
  const { asking, clock, config } = falconer
  if (asking.why !== null) return { outcome: 'spare', code: 'no_model', reason: asking.why, dueAt: null }
  const now = clock.now()
  const judged = await judgedAlike(tx, incident, new Date(now.getTime() - judgedMs))
  const asked = await lastAsked(tx, incident.id)
  const lookUpTo = asking.firstLook === undefined ? undefined : config.FALCONER_MODEL_TRIAGE_UP_TO
  const spared = lookUpTo === undefined ? null : await lastSpared(tx, incident.id)
  const capped = cappedWords(await monthCap(falconer, tx))
  const rules = { minSeverity: config.FALCONER_MODEL_MIN_SEVERITY, againMinutes: config.FALCONER_MODEL_AGAIN_MINUTES }
  const decided = triage({ incident, report: due.report, judged, asked, spared, capped }, rules, now)
  const look = decided.code === 'undecided' && spared === null && looksFirst(incident, lookUpTo)
  if (decided.outcome === 'ask')
    await askModel(tx, { incident, by: agentPrincipal.name, byPerson: false, reason: decided.reason, at: now, look })
  return decided
}

export type Deepener = { holder: string; stop: AbortSignal; /** Only what a person asked for. */ people?: boolean }
export const newHolder = (): string => randomUUID()

/** Has one investigation done by a model, to its end. False: none is to be done now. */
export async function deepenNext(falconer: Falconer, { holder: by, stop, people = false }: Deepener): Promise<boolean> {
  const { db, clock, config, asking } = falconer
  if (asking.why !== null || stop.aborted) return false
  const open = await openDeepenings(db)
  if (open.waiting + open.running === 0 || (await isCapped(falconer))) return false
  const now = clock.now()
  const perHour = people ? null : config.FALCONER_MODEL_PER_HOUR
  const claimed = await claimDeepening(db, { by, now, until: new Date(now.getTime() + holdMs), perHour })
  if (claimed === null) return false
  const incident = await placeOf(falconer, claimed)
  const refused =
    incident === undefined
      ? 'Its incident became part of another, which is investigated itself.'
      : claimed.attempts > mostAttempts
        ? `It was begun ${mostAttempts} times, and each time Falconer ended before it did; it is not begun again by itself.`
        : null
  if (incident === undefined || refused !== null) await giveUp(falconer, claimed, by, refused ?? '')
  else if (!(await deepen(falconer, claimed, incident, { holder: by, stop }))) return false
  falconer.changed('incidents')
  return true
}

async function giveUp({ db, clock }: Falconer, { id }: Deepening, by: string, error: string): Promise<void> {
  await giveUpInvestigation(db, id, error, clock.now())
  await endDeepening(db, { id, by, state: 'failed', error, at: clock.now() })
}

/** Where it belongs now; undefined: to one that has one of its own. */
async function placeOf({ db }: Falconer, claimed: Deepening): Promise<Incident | undefined> {
  const incident = await getIncident(db, { id: claimed.incidentId })
  if (incident === undefined || incident.id === claimed.incidentId) return incident
  return (await db.transaction((tx) => moveDeepening(tx, claimed.id, incident.id))) ? incident : undefined
}

/** False: it cannot be gone on with now, and waits. */
async function deepen(falconer: Falconer, claimed: Deepening, incident: Incident, { holder: by, stop }: Deepener): Promise<boolean> {
  const { db, clock, asking } = falconer
  const { id, askedBy } = claimed
  const lost = new AbortController()
  const signal = AbortSignal.any([stop, lost.signal])
  const holding = setInterval(() => {
    void holdDeepening(db, { id, by, until: new Date(clock.now().getTime() + holdMs) }).then(
      (held) => held || lost.abort(),
      // Asked again soon; another may take it meanwhile, and then it is lost.
      () => {},
    )
  }, holdMs / 4)
  falconer.changed('incidents')
  try {
    const before = await getInvestigation(db, id)
    if (before === undefined && (await lookFirst(falconer, claimed, incident, { by, signal }))) return true
    const investigation =
      // It came to its end, and Falconer to its own before it could say so.
      before?.status === 'done'
        ? before
        : await investigate(db, clock, await asking.analyst(), incident.id, {
            id,
            cluster: (scope) => scopeCluster(falconer, scope),
            hands: () => handsOf(falconer),
            signal,
            told: (about) => void falconer.changes.emit('steps', about),
          })
    await conclude(falconer, investigation, askedBy)
    const { status, error } = investigation
    await endDeepening(db, { id, by, state: status === 'done' ? 'done' : 'failed', error, at: clock.now() })
    return true
  } catch (error) {
    // Told to stop; or the playbook is at it, for a moment.
    if (!signal.aborted && !(error instanceof InputError)) throw error
    await releaseDeepening(db, { id, by })
    return false
  } finally {
    clearInterval(holding)
  }
}

/** The tools, as the agent may use them. */
const handsOf = (falconer: Falconer): Promise<Hands> =>
  connectHands({
    context: contextOf(falconer, { principal: agentPrincipal, channel: 'system' }),
    choice: {},
    version,
    failed: (tool, error) => falconer.log.error('tool failed', { tool, error }),
  })

/** The month's money is spent: what waits ends so that it is seen, and those outside are told once. */
async function isCapped(falconer: Falconer): Promise<boolean> {
  const { db, clock, asking, log } = falconer
  const cap = await monthCap(falconer)
  const words = cappedWords(cap)
  if (words === null) return false
  const why = `${asking.title} was not asked: ${words}.`
  const { ended, first } = await db.transaction(async (tx) => ({
    ended: await capDeepenings(tx, why, clock.now()),
    first: await addNote(tx, { id: `model-cap-${cap.month}`, type: 'model.cap_reached', data: { text: why, ...cap } }, clock.now()),
  }))
  if (first) log.warn('the month’s cap for models is reached', { month: cap.month, usd: cap.usd, capUsd: cap.capUsd })
  if (ended > 0 || first) falconer.changed('incidents')
  return true
}
