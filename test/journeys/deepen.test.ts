/**
 * A model is asked after the playbook, where triage says so or a person does: once for an incident at a time, by one of however many servers, resumed after
 * a stop, not begun for ever after crashes, not beyond the month's cap; and however many alerts come, seldom.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askingThis } from '../../apps/server/asking.ts'
import { deepenNext, newHolder, triageDue } from '../../apps/server/deepen.ts'
import { alertLines } from '../../bench/ingest-load.ts'
import { deepeningsOf, openDeepenings } from '../../store/deepenings.ts'
import { tellNotes } from '../../notify/notes.ts'
import { setDestinations } from '../../store/incident-notices.ts'
import type { Note } from '../../store/outside-notes.ts'
import { listIncidents } from '../../store/incidents.ts'
import { investigationsOf, latestReports } from '../../store/investigations.ts'
import { stepsOf } from '../../store/analyst-steps.ts'
import { triageOf } from '../../store/triage.ts'
import { scriptedAnalyst } from '../support/scripted-analyst.ts'
import { alertOfShop } from '../support/shop-alert.ts'
import { openSite, type Site, type SiteOptions } from '../support/site.ts'
import { spend } from '../support/spend-rows.ts'

const going = new AbortController().signal
const opened: Site[] = []
afterAll(async () => {
  for (const site of opened) await site.close()
})

async function siteWith(analyst = scriptedAnalyst(), options: SiteOptions = {}): Promise<{ site: Site; incidentId: string }> {
  const site = await openSite({ shop: true, asking: askingThis(analyst), ...options })
  opened.push(site)
  await site.ingest(JSON.stringify(alertOfShop()))
  await site.settle()
  const [incident] = (await listIncidents(site.db, {}, { limit: 1 })).incidents
  return { site, incidentId: incident?.id ?? '' }
}
const deepen = ({ falconer }: Site, stop = going): Promise<boolean> => deepenNext(falconer, { holder: newHolder(), stop })

describe('a severe incident', () => {
  const analyst = scriptedAnalyst({ report: { verdict: 'suspicious', confidence: 'medium' } })
  let site: Site
  let incidentId: string
  beforeAll(async () => {
    ;({ site, incidentId } = await siteWith(analyst))
  })

  it('is read by the playbook at once, and then is due for the model, with the reason written down', async () => {
    expect((await latestReports(site.db, [incidentId])).get(incidentId)?.analyst).toBe('playbook')
    expect(await triageOf(site.db, incidentId)).toMatchObject({ outcome: 'ask', code: 'severe', reason: 'it is critical' })
    expect(await openDeepenings(site.db)).toEqual({ waiting: 1, running: 0 })
  })

  it('is read by the model with the tools an IDE has; each step is kept and told of; both reports are kept, the model’s first', async () => {
    const told: string[] = []
    site.falconer.changes.on('steps', (about) => told.push(about))
    expect(await deepen(site)).toBe(true)
    expect(await deepen(site)).toBe(false)
    const investigations = await investigationsOf(site.db, incidentId)
    expect(investigations.map(({ analyst: by, status }) => [by, status])).toEqual([
      ['claude', 'done'],
      ['playbook', 'done'],
    ])
    expect((await latestReports(site.db, [incidentId])).get(incidentId)?.report?.verdict).toBe('suspicious')
    const [{ id = '' } = {}] = investigations
    expect(analyst.asked).toEqual([id])
    const steps = await stepsOf(site.db, id)
    expect(steps.map(({ kind, tool }) => tool ?? kind)).toEqual([
      'began',
      'get_timeline',
      'get_timeline',
      'get_incident',
      'get_incident',
      'said',
      'drafted',
      'done',
    ])
    expect(steps.filter(({ kind }) => kind === 'answered').every(({ bytes }) => (bytes ?? 0) > 100)).toBe(true)
    expect(told).toEqual(steps.map(() => id))
  })

  it('is not asked about again for more of the same', async () => {
    for (let more = 0; more < 5; more += 1) {
      await site.ingest(JSON.stringify(alertOfShop({ time: `2026-11-23T11:59:${10 + more}Z` }, { 'proc.pid': 50 + more })))
      await site.settle()
    }
    expect((await investigationsOf(site.db, incidentId)).length).toBeGreaterThan(3)
    expect(await triageOf(site.db, incidentId)).toMatchObject({ outcome: 'spare', code: 'nothing_new' })
    expect(await openDeepenings(site.db)).toEqual({ waiting: 0, running: 0 })
    // The playbook has read it again and says what it said: the model's report stands first.
    expect((await latestReports(site.db, [incidentId])).get(incidentId)?.analyst).toBe('claude')
  })

  it('is asked about again for something new, after a while', async () => {
    await site.ingest(JSON.stringify(alertOfShop({ rule: 'Drop and execute new binary in container', time: '2026-11-23T11:59:30Z' })))
    await site.settle()
    expect(await triageOf(site.db, incidentId)).toMatchObject({ outcome: 'later', code: 'interval' })
    site.clock.advance(31 * 60_000)
    await site.settle()
    expect(await triageOf(site.db, incidentId)).toMatchObject({ outcome: 'ask', code: 'grown' })
    expect(await deepen(site)).toBe(true)
    expect(analyst.asked).toHaveLength(2)
  })
})

describe('asking', () => {
  it('is one at a time of an incident, whoever asks and however many work', async () => {
    const analyst = scriptedAnalyst()
    const { site, incidentId } = await siteWith(analyst)
    const asked = await Promise.all(
      Array.from({ length: 5 }, () =>
        site.ask(`/api/v1/incidents/${incidentId}/investigate`, { as: site.people.investigator, json: { analyst: 'claude' } }),
      ),
    )
    const ids = await Promise.all(asked.map(async (answer) => ((await answer.json()) as { id: string; status: string }).id))
    expect(new Set(ids).size).toBe(1)
    await Promise.all(Array.from({ length: 4 }, () => deepen(site)))
    await expect.poll(async () => (await deepeningsOf(site.db, incidentId)).map(({ state }) => state)).toEqual(['done'])
    expect(analyst.asked).toEqual([ids[0]])
  })

  it('stopped, is let go of and gone on with under the same id; it was no attempt', async () => {
    const stop = new AbortController()
    let first = true
    const analyst = scriptedAnalyst({
      until: async () => {
        if (first) stop.abort()
        first = false
      },
    })
    const { site, incidentId } = await siteWith(analyst)
    expect(await deepen(site, stop.signal)).toBe(false)
    expect((await deepeningsOf(site.db, incidentId)).map(({ state, attempts }) => [state, attempts])).toEqual([['waiting', 0]])
    expect((await investigationsOf(site.db, incidentId))[0]).toMatchObject({ status: 'running', report: null })
    expect(await deepen(site)).toBe(true)
    const [id, again] = analyst.asked
    expect(again).toBe(id)
    expect((await investigationsOf(site.db, incidentId))[0]).toMatchObject({ id, status: 'done' })
  })

  it('held by one that died is taken up by another when its time is over, and given up after three', async () => {
    const { site, incidentId } = await siteWith(scriptedAnalyst({ until: () => new Promise(() => {}) }))
    for (let crash = 0; crash < 3; crash += 1) {
      void deepen(site)
      await expect.poll(async () => (await deepeningsOf(site.db, incidentId))[0]?.attempts).toBe(crash + 1)
      // Not while the other may still live.
      expect(await deepen(site)).toBe(false)
      site.clock.advance(61_000)
    }
    expect(await deepen(site)).toBe(true)
    expect((await deepeningsOf(site.db, incidentId))[0]?.state).toBe('failed')
    expect((await deepeningsOf(site.db, incidentId))[0]?.error).toMatch(/begun 3 times/)
  })

  it('that fails says so, and the playbook’s report stands', async () => {
    const { site, incidentId } = await siteWith(scriptedAnalyst({ fails: new Error('no') }))
    await deepen(site)
    expect((await investigationsOf(site.db, incidentId)).map(({ status }) => status)).toEqual(['failed', 'done'])
    expect((await latestReports(site.db, [incidentId])).get(incidentId)?.analyst).toBe('playbook')
  })

  it('by itself is bounded in an hour; a person is not counted', async () => {
    const analyst = scriptedAnalyst()
    const { site, incidentId } = await siteWith(analyst, { config: { FALCONER_MODEL_PER_HOUR: '0' } })
    expect(await deepen(site)).toBe(false)
    expect(analyst.asked).toEqual([])
    const { status } = await site.ask(`/api/v1/incidents/${incidentId}/investigate`, {
      as: site.people.investigator,
      json: { analyst: 'claude' },
    })
    expect(status).toBe(200)
    await expect.poll(() => analyst.asked.length).toBe(1)
  })

  it('stops at the month’s cap, visibly: nothing is begun, what waits ends, a person is told', async () => {
    const analyst = scriptedAnalyst()
    const { site, incidentId } = await siteWith(analyst, { config: { FALCONER_MODEL_USD_MONTH: '1' } })
    await spend(site.db, { at: site.clock.now(), usd: 1.2 })
    await setDestinations(site.db, ['webhook example.org'], site.clock.now(), { alone: true })
    expect(await deepen(site)).toBe(false)
    expect(analyst.asked).toEqual([])
    const [capped] = await deepeningsOf(site.db, incidentId)
    expect(capped).toMatchObject({
      state: 'capped',
      error: expect.stringMatching(/cap of \$1\.00 for 2026-11 is reached \(\$1\.20 spent\)/),
    })
    const answer = await site.ask(`/api/v1/incidents/${incidentId}/investigate`, {
      as: site.people.investigator,
      json: { analyst: 'claude' },
    })
    expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([409, expect.stringMatching(/cap of \$1\.00/)])
    expect(await (await site.ask(`/incidents/${incidentId}`, { as: site.people.viewer })).text()).toContain(
      'The month’s cap for models is reached',
    )
    // Those outside are told once.
    const told: string[] = []
    const channel = {
      name: 'webhook example.org',
      send: async () => ({ outcome: 'taken' as const }),
      note: async (note: Note) => {
        told.push(`${note.type} ${String(note.data.text)}`)
        return { outcome: 'taken' as const }
      },
    }
    for (let round = 0; round < 3; round += 1) {
      await deepen(site)
      await tellNotes({ db: site.db, clock: site.clock, channel, stop: going })
      site.clock.advance(3_600_000)
    }
    expect(told).toEqual([expect.stringMatching(/^model\.cap_reached Claude was not asked: the cap of \$1\.00/)])
    const { covered } = (await (await site.ask('/api/v1/coverage', { as: site.people.viewer })).json()) as {
      covered: { kind: string; gaps: unknown[] }[]
    }
    expect(covered.find(({ kind }) => kind === 'model')?.gaps).toMatchObject([{ kind: 'capped' }])
    // The next month there is money again, and what comes then is asked about.
    site.clock.advance(8 * 24 * 3_600_000)
    await site.ingest(JSON.stringify(alertOfShop({ rule: 'Another rule', time: '2026-11-23T11:59:40Z' })))
    await site.settle()
    expect(await deepen(site)).toBe(true)
  })
})

describe('a storm of 10,000 alerts', () => {
  it('asks the model once for each incident, not for each alert', async () => {
    const analyst = scriptedAnalyst()
    const { site } = await siteWith(analyst)
    const [line = ''] = alertLines(1, new Date('2026-11-23T11:00:00Z'), 0)
    const template = JSON.parse(line) as { output_fields: Record<string, unknown> }
    for (let batch = 0; batch < 10; batch += 1) {
      const lines = Array.from({ length: 1_000 }, (_, n) => {
        const at = batch * 1_000 + n
        const fields = { ...template.output_fields, 'evt.time': undefined, 'container.id': 'c0ffee000001', 'proc.pid': at }
        return JSON.stringify({
          ...template,
          priority: 'Critical',
          time: new Date(Date.parse('2026-11-23T11:00:00Z') + at * 300).toISOString(),
          output_fields: fields,
        })
      })
      await site.ingest(lines.join('\n'))
      await site.settle()
      while (await deepen(site));
    }
    const { incidents } = await listIncidents(site.db, {}, { limit: 10 })
    expect(incidents.map(({ alertCount }) => alertCount).toSorted((a, b) => a - b)).toEqual([1, 10_000])
    const read = await Promise.all(incidents.map(({ id }) => investigationsOf(site.db, id)))
    expect(read.flat().filter(({ analyst: by }) => by === 'playbook').length).toBeGreaterThan(10)
    expect(analyst.asked).toHaveLength(2)
  }, 120_000)
})

describe('two triages at once', () => {
  it('decide once', async () => {
    const analyst = scriptedAnalyst()
    const { site, incidentId } = await siteWith(analyst, { config: { FALCONER_MODEL_AGAIN_MINUTES: '1' } })
    await deepen(site)
    for (let more = 0; more < 3; more += 1) {
      site.clock.advance(3_600_000)
      await site.ingest(JSON.stringify(alertOfShop({ rule: `Rule ${more}`, time: `2026-11-23T11:59:${20 + more}Z` })))
      await site.falconer.settle()
      await Promise.all([triageDue(site.falconer), triageDue(site.falconer)])
      await Promise.all([deepen(site), deepen(site), deepen(site)])
    }
    expect((await deepeningsOf(site.db, incidentId)).length).toBe(4)
    expect(new Set(analyst.asked).size).toBe(analyst.asked.length)
  })
})
