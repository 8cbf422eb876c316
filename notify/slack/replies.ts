/** Threads under cards: what came since they were last told, together, seldom. Not while people sleep, unless it is critical. */
import { incidentsById } from '../../store/incidents.ts'
import { dueSlackThreads } from '../../store/slack-cards.ts'
import { saveSlackMessage, type SlackMessage } from '../../store/slack.ts'
import { factsOfIncidents } from '../incident-facts.ts'
import type { Outcome } from '../notification.ts'
import { type Desk, postOnce, taken } from './desk.ts'
import { developments, toldOf } from './developments.ts'
import { dataOf } from './incident.ts'
import { isQuiet } from './quiet.ts'

const atOnce = 5
const asleepMs = 5 * 60_000

/** Until nothing is due, or something must wait. */
export async function tellThreads(desk: Desk): Promise<Outcome> {
  const { db, clock, channel } = desk
  for (const message of await dueSlackThreads(db, channel, clock.now(), atOnce)) {
    const outcome = await tellThread(desk, message)
    if (outcome.outcome === 'away' || outcome.outcome === 'later') return outcome
  }
  return taken
}

async function tellThread(desk: Desk, message: SlackMessage): Promise<Outcome> {
  const { db, clock, routes } = desk
  const data = dataOf(message)
  const now = clock.now()
  const [facts] = await factsOfIncidents(db, await incidentsById(db, [message.about]), desk.base())
  const rest = (due: Date | null): Promise<void> =>
    saveSlackMessage(db, { ...message, data: { ...data, due: due?.toISOString() ?? null } }, now)
  const card = facts === undefined ? null : developments(data.told, facts, now)
  if (facts === undefined || card === null) {
    await rest(null)
    return taken
  }
  if (isQuiet(routes.quiet, now) && facts.incident.severity !== 'critical') {
    await rest(new Date(now.getTime() + asleepMs))
    return taken
  }
  const told = { ...data, told: toldOf(facts, now), replies: data.replies + 1, repliedAt: now.toISOString(), due: null }
  const outcome = await postOnce(desk, {
    key: `reply:${message.about}:${data.replies}`,
    card,
    threadTs: message.ts,
    rows: () => [{ ...message, data: told }],
  })
  // Refused for what it is: the next one may be taken.
  if (outcome.outcome === 'refused') await saveSlackMessage(db, { ...message, data: told }, now)
  return outcome
}
