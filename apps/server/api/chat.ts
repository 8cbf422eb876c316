/** Operations on chat: open a thread, ask in it, read it. An answer comes by itself; whoever cannot wait asks for the thread again, or listens at /events. */
import { z } from 'zod'
import { longestQuestion, type Turn } from '../../../domain/chat.ts'
import { findIncident } from '../../../store/find.ts'
import { listThreads, turnsOf } from '../../../store/threads.ts'
import { ask, askAgain, openThread, readThread, stopAnswer, type Taken } from '../chat.ts'
import type { Falconer } from '../falconer.ts'
import { operation } from './operation.ts'
import { StepView, stepView, ThreadLineView, threadLineView, ThreadView, threadView, TurnView, turnView } from './views/chat.ts'

const wait = z.number().min(0).max(60).default(0).describe('Seconds to wait for the answer; 0: only the question is taken')

/** As it is by then. */
async function taken(
  { db }: Falconer,
  threadId: string,
  { turn, answered }: Taken,
  seconds: number,
): Promise<{ turn: z.infer<typeof TurnView> }> {
  if (seconds > 0) await Promise.race([answered, new Promise((resume) => setTimeout(resume, seconds * 1_000))])
  const now = (await turnsOf(db, threadId)).find(({ number }) => number === turn.number) ?? turn
  return { turn: turnView(now) }
}

export const chatOperations = [
  operation({
    id: 'listThreads',
    method: 'GET',
    path: '/threads',
    permission: 'chat.ask',
    summary: 'Your threads, or those about an incident, the newest first',
    query: z.object({ incident: z.string().optional() }),
    response: z.object({ threads: z.array(ThreadLineView) }),
    run: async ({ falconer: { db }, who, query: { incident } }) => {
      const by = incident === undefined ? { ownerId: who.principal.personId } : { incidentId: (await findIncident(db, incident)).id }
      return { threads: (await listThreads(db, by)).map(threadLineView) }
    },
  }),
  operation({
    id: 'openThread',
    method: 'POST',
    path: '/threads',
    permission: 'chat.ask',
    summary: 'A new thread, about an incident or about all there is',
    body: z.object({ incident: z.string().max(64).optional() }).default({}),
    response: ThreadView,
    run: async ({ falconer, who, body }) => threadView(await openThread(falconer, who, body.incident ?? null)),
  }),
  operation({
    id: 'getThread',
    method: 'GET',
    path: '/threads/:thread',
    permission: 'chat.ask',
    summary: 'A thread: its questions with their answers, and what was done for them',
    query: z.object({ after: z.coerce.number().int().min(0).default(0).describe('Only steps after this one') }),
    response: z.object({ thread: ThreadView, turns: z.array(TurnView), steps: z.array(StepView) }),
    run: async ({ falconer, who, params, query }) => {
      const { thread, turns, steps } = await readThread(falconer, who, params.thread ?? '', query.after)
      return { thread: threadView(thread), turns: turns.map(turnView), steps: steps.map(stepView) }
    },
  }),
  operation({
    id: 'askQuestion',
    method: 'POST',
    path: '/threads/:thread/questions',
    permission: 'chat.ask',
    summary: 'Asks; questions of a thread are answered one after another',
    body: z.object({
      text: z.string().min(1).max(longestQuestion),
      model: z.boolean().default(true).describe('False: no model is asked, though one is configured'),
      wait,
    }),
    response: z.object({ turn: TurnView }),
    run: async ({ falconer, who, params, body }) =>
      taken(falconer, params.thread ?? '', await ask(falconer, who, params.thread ?? '', body), body.wait),
  }),
  operation({
    id: 'askQuestionAgain',
    method: 'POST',
    path: '/threads/:thread/questions/:number/again',
    permission: 'chat.ask',
    summary: 'Asks once more what was left unanswered',
    body: z.object({ wait }).default({ wait: 0 }),
    response: z.object({ turn: TurnView }),
    run: async ({ falconer, who, params, body }) =>
      taken(falconer, params.thread ?? '', await askAgain(falconer, who, params.thread ?? '', Number(params.number)), body.wait),
  }),
  operation({
    id: 'stopQuestion',
    method: 'POST',
    path: '/threads/:thread/questions/:number/stop',
    permission: 'chat.ask',
    summary: 'Gives up a question of yours that is not answered yet',
    response: z.object({ turn: TurnView }),
    run: async ({ falconer, who, params }) => {
      const [thread, number] = [params.thread ?? '', Number(params.number)]
      await stopAnswer(falconer, who, thread, number)
      return { turn: turnView((await turnsOf(falconer.db, thread)).find((turn) => turn.number === number) as Turn) }
    },
  }),
]
