/**
 * Chat as every channel uses it: the page, the API, the command line, and Slack. A question is stored before it is answered, answered with what the asking
 * person's role may see, after those before it in its thread; one that this process cannot answer to its end is left unanswered, never lost.
 */
import { answer, type ChatDesk } from '../../agent/chat/answer.ts'
import type { Models } from '../../agent/model/model.ts'
import { connectHands } from '../../agent/hands.ts'
import { version } from '../../config/version.ts'
import { longestQuestion, type Thread, type Turn } from '../../domain/chat.ts'
import { DeniedError, FalconerError, InputError, NotFoundError } from '../../domain/errors.ts'
import { isId } from '../../domain/ids.ts'
import { roleAtLeast } from '../../domain/principal.ts'
import { addStep, stepsOf } from '../../store/analyst-steps.ts'
import { findIncident } from '../../store/find.ts'
import { getIncident } from '../../store/incidents.ts'
import * as rows from '../../store/threads.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { toolsets } from '../../tools/tool.ts'
import type { Falconer } from './falconer.ts'
import { contextOf } from './mcp-reader.ts'
import { TooFastError } from './problems.ts'
import { Buckets } from './rate.ts'
import type { Who } from './who.ts'

export type Asker = Pick<Who, 'principal' | 'channel'>
/** `answered` resolves when it is, or when it never will be. */
export type Taken = { turn: Turn; answered: Promise<void> }

const mostWaiting = 5
const perMinute = 20
const burst = 10
const claimMs = 60_000
const beatMs = 15_000
const lookMs = 250
const longestMs = 180_000

type Running = {
  stopping: AbortController
  answers: Set<Promise<void>>
  /** By claim: aborted when it is held no longer. */ lost: Map<string, AbortController>
  buckets: Buckets
  models(): Promise<Models | null>
}
const runningIn = new WeakMap<Falconer, Running>()
function running(falconer: Falconer): Running {
  const found = runningIn.get(falconer)
  if (found !== undefined) return found
  const made = {
    stopping: new AbortController(),
    answers: new Set<Promise<void>>(),
    lost: new Map<string, AbortController>(),
    buckets: new Buckets(perMinute, burst),
    models: modelsOf(falconer),
  }
  runningIn.set(falconer, made)
  return made
}

/** Opened when a question first needs them: heavy, and of no use where no model is asked. */
function modelsOf({ config, db, clock, log, asking }: Falconer): () => Promise<Models | null> {
  let opened: Promise<Models | null> | null = null
  const open = async (): Promise<Models | null> => (await import('./models.ts')).openModels(config, { db, clock, log })
  return () => (opened ??= asking.why === null ? open() : Promise.resolve(null))
}

/** What is being answered is given up, and said to be. */
export async function stopChat(falconer: Falconer): Promise<void> {
  const { stopping, answers } = running(falconer)
  stopping.abort()
  await Promise.allSettled(answers)
}

/** `incident`: about this one; by id or short form. Throws NotFoundError. */
export async function openThread({ db, clock }: Falconer, { principal, channel }: Asker, incident: string | null): Promise<Thread> {
  const about = incident === null ? null : (await findIncident(db, incident)).id
  return rows.insertThread(db, { incidentId: about, owner: { personId: principal.personId, name: principal.name }, channel }, clock.now())
}

/** The thread, for its owner, and where it is about an incident for whoever may read that. Throws NotFoundError: nobody else learns that it is there. */
export async function threadFor({ db }: Pick<Falconer, 'db'>, { principal }: Pick<Asker, 'principal'>, id: string): Promise<Thread> {
  const thread = isId(id) ? await rows.getThread(db, id) : undefined
  const mayRead =
    thread !== undefined &&
    (thread.owner.personId === principal.personId || (thread.incidentId !== null && roleAtLeast(principal.role, 'viewer')))
  if (thread === undefined || !mayRead) throw new NotFoundError('There is no such thread, or it is somebody else’s.')
  return thread
}

/** Its questions in order, and its steps after this one. */
export async function readThread(falconer: Falconer, asker: Asker, id: string, after = 0) {
  const thread = await threadFor(falconer, asker, id)
  return { thread, turns: await rows.turnsOf(falconer.db, thread.id), steps: await stepsOf(falconer.db, thread.id, { after }) }
}

/** Throws InputError, TooFastError, NotFoundError. */
export async function ask(falconer: Falconer, asker: Asker, threadId: string, given: { text: string; model: boolean }): Promise<Taken> {
  const { db, clock } = falconer
  const thread = await threadFor(falconer, asker, threadId)
  const text = given.text.trim()
  if (text === '' || text.length > longestQuestion)
    throw new InputError(`A question has 1 to ${longestQuestion.toLocaleString('en')} characters.`)
  const wait = running(falconer).buckets.take(asker.principal.personId)
  if (wait > 0) throw new TooFastError(`${burst} questions at once and ${perMinute} a minute are answered. Ask again in ${wait} s.`, wait)
  const { personId, name } = asker.principal
  const [at, until] = [clock.now(), new Date(clock.now().getTime() + claimMs)]
  const taken = await rows.insertTurn(db, thread.id, { askedBy: { personId, name }, text, model: given.model }, { at, until, mostWaiting })
  if (taken === undefined)
    throw new DeniedError('state', `${mostWaiting} questions of this thread wait already. Let them be answered first.`)
  falconer.changed('chat')
  return { turn: taken.turn, answered: follow(falconer, asker, thread, taken.claim) }
}

/** What was left unanswered, asked once more: as a new question at the end. */
export async function askAgain(falconer: Falconer, asker: Asker, threadId: string, number: number): Promise<Taken> {
  const thread = await threadFor(falconer, asker, threadId)
  const turn = (await rows.turnsOf(falconer.db, thread.id)).find((one) => one.number === number)
  if (turn === undefined) throw new NotFoundError('There is no such question in this thread.')
  if (turn.state !== 'unanswered') throw new DeniedError('state', 'This question is answered, or is being answered.')
  return ask(falconer, asker, thread.id, { text: turn.text, model: turn.model })
}

/** Whoever asked it wants no answer any more. On another server what is at it learns of that with its next sign of life. Throws NotFoundError, DeniedError. */
export async function stopAnswer(falconer: Falconer, asker: Asker, threadId: string, number: number): Promise<void> {
  const { db } = falconer
  const thread = await threadFor(falconer, asker, threadId)
  const turn = (await rows.turnsOf(db, thread.id)).find((one) => one.number === number)
  if (turn === undefined) throw new NotFoundError('There is no such question in this thread.')
  if (turn.askedBy.personId !== asker.principal.personId) throw new DeniedError('entitlement', 'A question is given up by who asked it.')
  const claim = await rows.stopTurn(db, thread.id, number)
  if (claim === undefined) throw new DeniedError('state', 'Nobody is at this question: it is answered, or was given up.')
  running(falconer).lost.get(claim)?.abort()
  falconer.changed('chat')
}

/** Answers the question when it is its turn; never rejects. */
function follow(falconer: Falconer, asker: Asker, thread: Thread, claim: string): Promise<void> {
  const { answers } = running(falconer)
  const work = answerInTurn(falconer, asker, thread, claim)
    .catch((error: unknown) => falconer.log.error('chat failed', { threadId: thread.id, error }))
    .finally(() => {
      answers.delete(work)
      falconer.changed('chat')
    })
  answers.add(work)
  return work
}

async function answerInTurn(falconer: Falconer, asker: Asker, thread: Thread, claim: string): Promise<void> {
  const { db, clock } = falconer
  const { stopping, lost: losing } = running(falconer)
  const lost = new AbortController()
  losing.set(claim, lost)
  const later = (): Date => new Date(clock.now().getTime() + claimMs)
  // A claim that could not be kept for a moment may still be held; one that is not must not be answered.
  const beat = setInterval(
    () =>
      void rows.keepClaim(db, thread.id, claim, later()).then(
        (held) => held || lost.abort(),
        () => {},
      ),
    beatMs,
  )
  const signal = AbortSignal.any([stopping.signal, lost.signal, AbortSignal.timeout(longestMs)])
  try {
    const turn = await whenItsTurn(falconer, thread, claim, signal)
    if (turn === 'lost') return
    const outcome = await outcomeOf(falconer, asker, thread, turn, signal)
    if (!lost.signal.aborted) await rows.finishTurn(db, thread.id, claim, outcome, clock.now())
  } catch (error) {
    await rows.finishTurn(db, thread.id, claim, { error: 'Falconer stopped before this was answered. Ask it again.' }, clock.now())
    if (!signal.aborted) throw error
  } finally {
    clearInterval(beat)
    losing.delete(claim)
  }
}

async function whenItsTurn({ db, clock, changed }: Falconer, thread: Thread, claim: string, signal: AbortSignal): Promise<Turn | 'lost'> {
  for (;;) {
    signal.throwIfAborted()
    const turn = await rows.beginTurn(db, thread.id, claim, clock.now())
    if (turn !== 'later') {
      changed('chat')
      return turn
    }
    await new Promise((resume) => setTimeout(resume, lookMs))
  }
}

async function outcomeOf(falconer: Falconer, asker: Asker, thread: Thread, turn: Turn, signal: AbortSignal) {
  const { db, log } = falconer
  const about = thread.incidentId === null ? null : ((await getIncident(db, { id: thread.incidentId })) ?? null)
  const earlier = (await rows.turnsOf(db, thread.id, { limit: 12 })).filter((one) => one.number < turn.number && one.answer !== null)
  try {
    const question = { text: turn.text, thread, principal: asker.principal, about, earlier }
    const models = turn.model ? await running(falconer).models() : null
    const withModel = models === null ? undefined : (await import('../../agent/chat/with-model.ts')).withModel
    return { answer: await answer(question, { ...deskOf(falconer, asker, thread, signal), models }, withModel) }
  } catch (error) {
    if (signal.aborted)
      return {
        error:
          signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError'
            ? 'It took too long and was given up.'
            : 'Falconer stopped before this was answered. Ask it again.',
      }
    if (error instanceof FalconerError) return { error: error.message }
    log.error('question not answered', { threadId: thread.id, error })
    return { error: 'Falconer failed to answer this; its log says why. Ask it again, or in other words.' }
  }
}

function deskOf(falconer: Falconer, { principal, channel }: Asker, thread: Thread, signal: AbortSignal): Omit<ChatDesk, 'models'> {
  const { db, clock, log } = falconer
  return {
    db,
    clock,
    signal,
    tell: async (step) => {
      await addStep(db, thread.id, step, clock.now())
      falconer.changed('chat')
    },
    // A model reads and proposes, as one that came over MCP, and does nothing else with the person's role.
    hands: (by) =>
      connectHands({
        context: contextOf(falconer, { principal, channel: by === 'model' ? 'mcp' : channel }),
        choice: { toolsets, readOnly: by === 'rules' },
        version,
        failed: (tool, error) => log.error('tool failed', { tool, error }),
        tools: tools.filter(({ access, name }) => access === 'read' || name === 'propose_action'),
      }),
  }
}
