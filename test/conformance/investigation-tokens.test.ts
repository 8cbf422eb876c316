/**
 * What an investigation by a model is sent, in tokens (bytes of four): the case file, and a whole scripted investigation that looks twice; beside the same
 * alerts as they came. Of the demo's story in a storm, and of a file of 100 alerts that somebody else's Falco wrote. Printed with FALCONER_FIGURES=1.
 */
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { readInput } from '../../collectors/read.ts'
import { fromDate } from '../../domain/event-time.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { getAlerts } from '../../store/alerts.ts'
import { accept } from '../../store/intake.ts'
import { listIncidents } from '../../store/incidents.ts'
import { alertCandidates } from '../../store/memberships.ts'
import { emptyReport, investigator } from '../support/analyst-site.ts'
import { inTurn, replies } from '../support/messages-api.ts'
import { delivery } from '../support/records.ts'
import { openSite, type Site } from '../support/site.ts'
import { inStorm, recordStory } from '../support/story.ts'
import { conformance, dataFolder } from './data.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

let site: Site
beforeAll(async () => {
  site = await openSite()
})
afterAll(() => site.close())

const tokens = (bytes: number): number => Math.round(bytes / 4)
const bytesOf = (value: unknown): number => Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value))

/** Sizes of one investigation of this incident that looks twice and reports. */
async function measured(incidentId: string) {
  const looking = (name: string, input: object) => replies.tools([{ name, input }])
  const script = inTurn(looking('get_coverage', {}), looking('get_process_tree', { incident: incidentId }), replies.structured(emptyReport))
  const claude = await investigator(site.falconer, script)
  const began = performance.now()
  const { report } = await claude.investigate(incidentId)
  const ms = performance.now() - began
  expect(report).toMatchObject({ analyst: 'claude', partial: null })
  const [first, , last] = claude.api.asked.map(({ body }) => body)
  const ids = (await alertCandidates(site.db, incidentId)).map(({ id }) => id)
  const raw = (await getAlerts(site.db, ids)).reduce(
    (sum, alert) => sum + bytesOf(stringifyExact(alert.fields)) + bytesOf(alert.output ?? ''),
    0,
  )
  return {
    alerts: ids.length,
    raw: tokens(raw),
    caseFile: tokens(bytesOf(first?.messages)),
    told: tokens(bytesOf([first?.system, first?.tools, first?.output_config])),
    conversation: tokens(bytesOf(last?.messages)),
    ownMs: Math.round(ms - (report?.spend?.ms ?? 0)),
  }
}
const print = (what: string, figures: object): void => {
  if (process.env.FALCONER_FIGURES === '1') console.log(what, JSON.stringify(figures))
}

it('the demo’s story in a storm of 500 alerts: its case file is below 6,000 tokens and a fifth of its alerts', async () => {
  const incident = await recordStory(site.db, site.clock, 'lab', inStorm(493))
  const figures = await measured(incident.id)
  print('the story in a storm', figures)
  expect(figures.caseFile).toBeLessThan(6_500)
  expect(figures.caseFile * 5).toBeLessThan(figures.raw)
  expect(figures.conversation * 5).toBeLessThan(figures.raw)
})

it('the demo’s story alone', async () => {
  const incident = await recordStory(site.db, site.clock, 'quiet')
  const figures = await measured(incident.id)
  print('the story', figures)
  expect(figures.caseFile).toBeLessThan(6_500)
})

conformance('100 alerts of another Falco', () => {
  it('their case files are below 6,000 tokens and a fifth of them', async () => {
    const { db, clock } = site
    await readInput(createReadStream(join(dataFolder, 'falco-alerts/falco_87b528.log')), {
      path: 'alerts',
      format: 'falco',
      source: { sourceId: null, sourceName: 'falco', scope: 'other', receivedNs: fromDate(clock.now()) },
      onBatch: async ({ records }) => {
        await accept(db, clock, [delivery({ scope: 'other', alerts: records.flatMap((one) => (one.kind === 'alert' ? [one.alert] : [])) })])
      },
    })
    while ((await correlatePending(db, clock)).more);
    const { incidents } = await listIncidents(db, { scope: 'other' }, { limit: 50 })
    const all = []
    for (const incident of incidents.toSorted((a, b) => b.alertCount - a.alertCount).slice(0, 3)) all.push(await measured(incident.id))
    for (const figures of all) print('100 alerts', { incidents: incidents.length, ...figures })
    for (const { caseFile } of all) expect(caseFile).toBeLessThan(6_500)
  })
})
