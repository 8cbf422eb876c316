import { expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import type { Principal } from '../domain/principal.ts'
import { Report } from '../domain/report.ts'
import { decide } from '../incidents/decide.ts'
import { correlatePending } from '../incidents/pipeline.ts'
import { recompute } from '../incidents/recompute.ts'
import type { Database } from '../store/database.ts'
import { listDestinations, setDestinations } from '../store/incident-notices.ts'
import { listIncidents } from '../store/incidents.ts'
import { accept } from '../store/intake.ts'
import { finishInvestigation, startInvestigation } from '../store/investigations.ts'
import { eachDatabase } from '../test/support/database.ts'
import { containerId, delivery, newAlert } from '../test/support/records.ts'
import { fromDate } from '../domain/event-time.ts'
import { type Delivery, deliver } from './deliver.ts'
import type { Channel, Notification, Outcome } from './notification.ts'

const ada: Principal = { id: 'u1', kind: 'user', name: 'Ada', role: 'responder', personId: 'u1', mayApprove: true }
const taken: Outcome = { outcome: 'taken' }
const away = (retryAfterMs: number | null = null): Outcome => ({ outcome: 'away', reason: 'it answers 503', retryAfterMs })
const refused: Outcome = { outcome: 'refused', reason: 'it answers 400' }
let worlds = 0

/** One destination, its clock and its incidents. */
async function world(db: Database) {
  const name = `test ${(worlds += 1)}`
  const scope = `scope-${worlds}`
  const clock = new FixedClock(new Date(Date.UTC(2026, 10, 24, 12) + worlds * 3_600_000))
  await setDestinations(db, [name], clock.now(), { alone: true })
  const heard: Notification[] = []
  const told: Parameters<Delivery['told']>[0][] = []
  const answer = { now: (_notification: Notification): Outcome => taken }
  const channel: Channel = {
    name,
    send: async (notification) => {
      heard.push(notification)
      return answer.now(notification)
    },
  }
  const stop = new AbortController()
  const round = (over: Partial<Delivery> = {}): Promise<boolean> =>
    deliver({
      db,
      clock,
      channel,
      holder: '00000000-0000-7000-8000-000000000001',
      base: 'http://here',
      stop: stop.signal,
      told: (one) => told.push(one),
      ...over,
    })
  const rounds = async (): Promise<void> => {
    while (await round());
  }
  const alert = async (seed: string, over: object = {}): Promise<void> => {
    const container = { id: containerId(`${scope}${seed}`).slice(0, 12), name: null, image: null }
    await accept(db, clock, [
      delivery({ scope, alerts: [newAlert({ scope, eventNs: fromDate(clock.now()), container, hostname: null, ...over })] }),
    ])
    while ((await correlatePending(db, clock)).alerts > 0);
  }
  const incidents = async () => (await listIncidents(db, { scope }, { limit: 100 })).incidents
  const close = async (id: string, state: 'closed' | 'open' = 'closed'): Promise<void> =>
    void (await decide(db, clock, ada, 'web', { kind: 'state', incident: id, state }, 'done'))
  const state = async () => (await listDestinations(db))[0]
  const words = (): string[] => heard.map(({ change, version, facts }) => `${change} ${version} ${facts.incident.state}`)
  return { name, scope, clock, channel, heard, told, answer, stop, round, rounds, alert, incidents, close, state, words }
}

eachDatabase('telling a destination', (database) => {
  it('tells of an incident’s beginning, what changed of it together, and its end; and of nothing twice', async () => {
    const { rounds, alert, incidents, close, clock, words, heard, state } = await world(database())
    await alert('a')
    await rounds()
    await rounds()
    expect(words()).toEqual(['created 1 open'])
    for (const rule of ['b', 'c', 'd']) await alert('a', { rule })
    await rounds()
    expect(words()).toHaveLength(1)
    clock.advance(10_000)
    await rounds()
    const [incident] = await incidents()
    await close(incident?.id ?? '')
    await rounds()
    await close(incident?.id ?? '', 'open')
    clock.advance(10_000)
    await rounds()
    expect(words()).toEqual(['created 1 open', 'updated 4 open', 'closed 5 closed', 'updated 6 open'])
    expect(new Set(heard.map(({ id }) => id)).size).toBe(4)
    expect(heard.map(({ id }) => id)[1]).toBe(`${incident?.id}.4.updated`)
    expect(heard[1]?.facts.rules.map(({ rule }) => rule).sort()).toEqual(['Terminal shell in container', 'b', 'c', 'd'])
    expect(await state()).toMatchObject({ delivered: 4, waiting: 0, failures: 0, error: null })
  })

  it('tells a verdict', async () => {
    const { rounds, alert, incidents, clock, heard } = await world(database())
    await alert('a')
    await rounds()
    const [incident] = await incidents()
    const db = database()
    const { id, lease } = await startInvestigation(db, {
      incidentId: incident?.id ?? '',
      incidentRevision: 1,
      analyst: 'playbook',
      at: clock.now(),
    })
    const blank = {
      summary: [],
      reasons: [],
      unusual: [],
      timeline: [],
      rootCause: [],
      rootCauses: 0,
      fixFirst: [],
      blastRadius: [],
      unknowns: [],
      techniques: [],
      actions: [],
      ungrounded: 0,
    }
    const report = Report.parse({
      ...blank,
      analyst: 'playbook',
      analystVersion: '1',
      verdict: 'benign',
      confidence: 'low',
      severity: 'low',
    })
    expect(await finishInvestigation(db, { id, lease }, { report }, clock.now())).toMatchObject({
      id,
      status: 'done',
      report: { verdict: 'benign' },
    })
    clock.advance(10_000)
    await rounds()
    expect(heard.map(({ change, facts }) => [change, facts.report?.verdict])).toEqual([
      ['created', undefined],
      ['updated', 'benign'],
    ])
  })

  it('tells beginning and end of one that ended before anybody heard of it, in that order', async () => {
    const { rounds, alert, incidents, close, words } = await world(database())
    await alert('a')
    await close((await incidents())[0]?.id ?? '')
    await rounds()
    expect(words()).toEqual(['created 2 closed', 'closed 3 closed'])
  })

  it('tells that one became part of another, and nothing of one nobody knew', async () => {
    const { rounds, alert, incidents, heard, clock } = await world(database())
    await alert('a')
    await alert('b')
    await rounds()
    const [first, second] = await incidents()
    await decide(database(), clock, ada, 'web', { kind: 'merge', into: first?.id ?? '', from: second?.id ?? '' }, 'same')
    await alert('c')
    const third = (await incidents()).find(({ id }) => id !== first?.id && id !== second?.id)
    await decide(database(), clock, ada, 'web', { kind: 'merge', into: first?.id ?? '', from: third?.id ?? '' }, 'same')
    clock.advance(10_000)
    await rounds()
    const merged = heard.slice(2).map(({ change, facts }) => [change, facts.incident.mergedInto === null])
    expect(merged.sort()).toEqual([
      ['closed', false],
      ['updated', true],
    ])
  })

  it('sends again what may not have arrived, under the same id, and loses nothing', async () => {
    const { round, rounds, alert, heard, channel, stop } = await world(database())
    await alert('a')
    // Killed after the destination took it and before that was noted: the promise never comes back.
    const dying: Channel = { name: channel.name, send: async (one) => (heard.push(one), stop.abort(), away()) }
    await round({ channel: dying })
    await rounds()
    expect(heard).toHaveLength(2)
    const again = new AbortController().signal
    while (await round({ stop: again }));
    expect(new Set(heard.map(({ id }) => id)).size).toBe(1)
  })

  it('repeats what may have arrived as it was, whatever changed meanwhile, before it tells what changed', async () => {
    const { rounds, alert, incidents, close, answer, clock, heard } = await world(database())
    answer.now = () => away()
    await alert('a')
    await rounds()
    await alert('a', { rule: 'more' })
    await close((await incidents())[0]?.id ?? '')
    answer.now = () => taken
    clock.advance(1_000)
    await rounds()
    expect(heard.map(({ id }) => id.slice(37))).toEqual(['1.created', '1.created', '3.closed'])
  })

  it('tries one that is away ever less often, says so, and tells all when it is back', async () => {
    const { round, rounds, alert, heard, answer, clock, told, state } = await world(database())
    answer.now = () => away()
    for (let index = 0; index < 20; index += 1) await alert(`a${index}`)
    const waits: number[] = []
    for (let failure = 0; failure < 12; failure += 1) {
      const before = heard.length
      await rounds()
      expect(heard.length - before).toBe(8)
      const { nextAt } = (await state()) ?? {}
      waits.push((nextAt?.getTime() ?? 0) - clock.now().getTime())
      clock.advance((waits.at(-1) ?? 0) - 1)
      await rounds()
      expect(heard.length - before).toBe(8)
      clock.advance(1)
    }
    for (const [index, wait] of waits.entries()) {
      const most = Math.min(300_000, 1_000 * 2 ** index)
      expect(wait).toBeGreaterThanOrEqual(most * 0.75 - 1)
      expect(wait).toBeLessThanOrEqual(most)
    }
    expect(await state()).toMatchObject({ waiting: 20, failures: 12, error: 'it answers 503', delivered: 0 })
    expect(told.map(({ failures }) => failures)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    answer.now = () => taken
    await round()
    expect(told.at(-1)).toEqual({ error: null, failures: 0, nextAt: null })
    await rounds()
    expect(await state()).toMatchObject({ waiting: 0, failures: 0, error: null, failingSince: null, delivered: 20 })
    const versions = Map.groupBy(heard, ({ facts }) => facts.incident.id)
    for (const of of versions.values())
      expect(of.map(({ version }) => version)).toEqual(of.map(({ version }) => version).toSorted((a, b) => a - b))
  })

  it('waits as long as it is asked to, a day at most', async () => {
    const { rounds, alert, answer, clock, state } = await world(database())
    await alert('a')
    for (const [asked, waited] of [
      [90_000, 90_000],
      [10 * 86_400_000, 86_400_000],
    ] as const) {
      answer.now = () => away(asked)
      await rounds()
      const { nextAt } = (await state()) ?? {}
      expect((nextAt?.getTime() ?? 0) - clock.now().getTime()).toBe(waited)
      clock.advance(waited)
    }
  })

  it('one event that is refused keeps no other waiting, nor does one it fails at', async () => {
    const { rounds, alert, incidents, answer, heard, state, clock } = await world(database())
    for (let index = 0; index < 30; index += 1) await alert(`a${index}`)
    const [bad, worse] = (await incidents()).map(({ id }) => id)
    answer.now = ({ facts }) => (facts.incident.id === bad ? refused : facts.incident.id === worse ? away() : taken)
    await rounds()
    expect(await state()).toMatchObject({
      waiting: 2,
      refused: 2,
      delivered: 28,
      failures: 0,
      error: expect.stringContaining('it answers'),
    })
    const before = heard.length
    await rounds()
    expect(heard.length).toBe(before)
    answer.now = () => taken
    clock.advance(2_000)
    await rounds()
    expect(await state()).toMatchObject({ waiting: 0, refused: 0, delivered: 30 })
  })

  it('is told by one server at a time; another takes over from one that is gone', async () => {
    const { round, alert, heard, channel, clock } = await world(database())
    await alert('a')
    const other = '00000000-0000-7000-8000-000000000002'
    let inside = 0
    const slow: Channel = {
      name: channel.name,
      send: async (one) => {
        inside = await round({ holder: other }).then(() => heard.length)
        heard.push(one)
        return away()
      },
    }
    await round({ channel: slow })
    expect([inside, heard.length]).toEqual([0, 1])
    clock.advance(59_000)
    await round({ holder: other })
    expect(heard.length).toBe(1)
    clock.advance(2_000)
    await round({ holder: other })
    expect(heard.length).toBe(2)
  })

  it('what was there before a destination was named is no news to it until something happens', async () => {
    const db = database()
    const before = await world(db)
    await before.alert('old')
    before.clock.advance(60_000)
    await setDestinations(db, ['newcomer'], before.clock.now(), { alone: true })
    const channel: Channel = { ...before.channel, name: 'newcomer' }
    await recompute(db, before.clock, before.scope)
    await before.round({ channel })
    expect(before.heard).toEqual([])
    before.clock.advance(1_000)
    await before.alert('old', { rule: 'more' })
    await before.round({ channel })
    expect(before.words()).toEqual(['created 1 open'])
  })

  it('forgets destinations that nobody names any more, on a shared database only after a day', async () => {
    const db = database()
    const { clock, name } = await world(db)
    const names = async (): Promise<string[]> => (await listDestinations(db)).map((one) => one.name)
    await setDestinations(db, [], clock.now(), { alone: false })
    expect(await names()).toEqual([name])
    clock.advance(25 * 3_600_000)
    await setDestinations(db, ['other'], clock.now(), { alone: false })
    expect(await names()).toEqual(['other'])
    clock.advance(1)
    await setDestinations(db, [], clock.now(), { alone: true })
    expect(await names()).toEqual([])
  })

  it('keeps nothing to be told where there is nobody to tell', async () => {
    const db = database()
    const { alert, clock, name } = await world(db)
    await setDestinations(db, [], clock.now(), { alone: true })
    await alert('a')
    await setDestinations(db, [name], clock.now(), { alone: true })
    expect(await listDestinations(db)).toMatchObject([{ name, waiting: 0 }])
  })
})
