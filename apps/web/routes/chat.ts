/** Chat for people: ask, read, ask again. A question posted by a form is waited for a moment, so that without JavaScript most answers are there at once. */
import { InputError } from '../../../domain/errors.ts'
import { findIncident } from '../../../store/find.ts'
import { getIncident } from '../../../store/incidents.ts'
import { listThreads } from '../../../store/threads.ts'
import { ask, askAgain, openThread, readThread, stopAnswer, type Taken } from '../../server/chat.ts'
import { type ChatData, chatPage } from '../chat-page.ts'
import { form, page, type Shown, type SignedIn, type WebRoute } from '../route.ts'

const patienceMs = 1_500
const mostBeside = 12

async function showNew({ falconer, who, query }: SignedIn): Promise<Shown> {
  const named = query('incident')
  const incident = named === undefined || named === '' ? null : await findIncident(falconer.db, named)
  const data: ChatData = { thread: null, incident, turns: [], steps: [], threads: await threadsBeside(falconer, who, incident?.id ?? null) }
  return chatPage(falconer, who, data)
}

async function showThread({ falconer, who, param }: SignedIn): Promise<Shown> {
  const { thread, turns, steps } = await readThread(falconer, who, param('thread'))
  const incident = thread.incidentId === null ? null : ((await getIncident(falconer.db, { id: thread.incidentId })) ?? null)
  return chatPage(falconer, who, { thread, incident, turns, steps, threads: await threadsBeside(falconer, who, incident?.id ?? null) })
}

const threadsBeside = ({ db }: SignedIn['falconer'], { principal }: SignedIn['who'], incidentId: string | null) =>
  listThreads(db, incidentId === null ? { ownerId: principal.personId } : { incidentId }, mostBeside)

async function shown({ context }: SignedIn, thread: string, { turn, answered }: Taken): Promise<Shown> {
  await Promise.race([answered, new Promise((resume) => setTimeout(resume, patienceMs))])
  return context.redirect(`/chat/${thread}#turn-${turn.number}`, 303)
}

export const chatRoutes: readonly WebRoute[] = [
  page('/chat', 'chat.ask', showNew),
  form('/chat', 'chat.ask', async (visit) => {
    const { falconer, who, fields } = visit
    const text = fields.get('question')
    // Before a thread is made for it: an empty one helps nobody.
    if (text.trim() === '') throw new InputError('Write a question first.')
    const thread = await openThread(falconer, who, fields.get('incident') || null)
    return shown(visit, thread.id, await ask(falconer, who, thread.id, { text, model: true }))
  }),
  page('/chat/:thread', 'chat.ask', showThread),
  form('/chat/:thread', 'chat.ask', async (visit) =>
    shown(
      visit,
      visit.param('thread'),
      await ask(visit.falconer, visit.who, visit.param('thread'), { text: visit.fields.get('question'), model: true }),
    ),
  ),
  form('/chat/:thread/again', 'chat.ask', async (visit) =>
    shown(
      visit,
      visit.param('thread'),
      await askAgain(visit.falconer, visit.who, visit.param('thread'), Number(visit.fields.get('number'))),
    ),
  ),
  form('/chat/:thread/stop', 'chat.ask', async ({ falconer, who, param, fields, context }) => {
    await stopAnswer(falconer, who, param('thread'), Number(fields.get('number')))
    return context.redirect(`/chat/${param('thread')}#turn-${Number(fields.get('number'))}`, 303)
  }),
]
