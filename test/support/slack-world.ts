/** A channel of Slack as a destination: its database, its clock, a Slack on this machine, and rounds of telling as a server does them. */
import { decide } from '../../incidents/decide.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { fromDate } from '../../domain/event-time.ts'
import { FixedClock } from '../../domain/clock.ts'
import type { Principal } from '../../domain/principal.ts'
import { deliver, type Delivery } from '../../notify/deliver.ts'
import { slackChannel } from '../../notify/channels/slack.ts'
import { slackApi } from '../../notify/slack/api.ts'
import { pacing } from '../../notify/slack/pace.ts'
import { SlackRoutes } from '../../notify/slack/routes.ts'
import { tend } from '../../notify/tend.ts'
import { loadPolicy } from '../../responses/policy.ts'
import type { Database } from '../../store/database.ts'
import { setDestinations } from '../../store/incident-notices.ts'
import { listIncidents } from '../../store/incidents.ts'
import { accept } from '../../store/intake.ts'
import { containerId, delivery, newAlert } from './records.ts'
import { SlackSite } from './slack-site.ts'

const ada: Principal = { id: 'u1', kind: 'user', name: 'Ada', role: 'responder', personId: 'u1', mayApprove: true }
let worlds = 0

type Options = { routes?: object; at?: Date; scopes?: string[]; timeoutMs?: number }

export async function slackWorld(db: Database, { routes: given = {}, at, scopes, timeoutMs = 1_000 }: Options = {}) {
  const scope = `scope-${(worlds += 1)}`
  const clock = new FixedClock(at ?? new Date(Date.UTC(2026, 10, 24, 12) + worlds * 7_200_000))
  const site = await SlackSite.open(() => clock.now(), scopes)
  const routes = SlackRoutes.parse({ version: 1, ...given })
  const policy = loadPolicy()
  const stop = new AbortController()
  const told: Parameters<Delivery['told']>[0][] = []
  /** As a server that was just started: nothing in memory. */
  const server = (channel = site.general, holder = '00000000-0000-7000-8000-000000000001') => {
    const api = slackApi({ token: site.token, url: site.url, stop: stop.signal, timeoutMs })
    const pace = pacing(db, clock)
    const made = slackChannel({ db, clock, api, pace, channel, fallback: site.general, routes, base: () => 'https://falconer.example.org' })
    const of: Delivery = {
      db,
      clock,
      channel: made,
      holder,
      base: 'https://falconer.example.org',
      stop: stop.signal,
      told: (one) => told.push(one),
    }
    return {
      name: made.name,
      channel: made,
      api,
      /** One round of a server's loop: all that can be told now. */
      round: async () => {
        for (let more = true; more;) {
          more = await deliver(of)
          more = (await tend(of, policy)) || more
        }
      },
    }
  }
  const first = server()
  // The channel has the same name in every world.
  await setDestinations(db, [], clock.now(), { alone: true })
  await setDestinations(db, [first.name], clock.now(), { alone: true })
  const alert = async (seed: string, over: object = {}, count = 1): Promise<void> => {
    const container = { id: containerId(`${scope}${seed}`).slice(0, 12), name: null, image: null }
    const alerts = Array.from({ length: count }, (_, index) =>
      newAlert({ scope, eventNs: fromDate(clock.now()) + BigInt(index) * 1_000_000n, container, hostname: null, ...over }),
    )
    await accept(db, clock, [delivery({ scope, alerts })])
    while ((await correlatePending(db, clock)).alerts > 0);
  }
  const incidents = async () => (await listIncidents(db, { scope }, { limit: 2_000 })).incidents
  const close = async (id: string): Promise<void> =>
    void (await decide(db, clock, ada, 'web', { kind: 'state', incident: id, state: 'closed' }, 'done'))
  const merge = async (into: string, from: string): Promise<void> =>
    void (await decide(db, clock, ada, 'web', { kind: 'merge', into, from }, 'same'))
  /** Seconds pass, a round in each. */
  const pass = async (seconds: number, round = first.round, stepMs = 1_000): Promise<void> => {
    for (let passed = 0; passed < seconds * 1_000; passed += stepMs) {
      clock.advance(stepMs)
      await round()
    }
  }
  const end = async (): Promise<void> => {
    stop.abort()
    await site.close()
  }
  return { db, scope, clock, site, server, first, round: first.round, alert, incidents, close, merge, pass, told, stop, end }
}
