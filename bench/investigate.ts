/**
 * `npm run bench -- investigate`: one investigation of an incident of 500 alerts with inventory, scans and attack steps, by each analyst, beside a bare
 * read of the same alerts by their ids; and how much a model must read of a case, beside the same alerts as they came. The analyst that asks a model is
 * measured by what it takes beside the model.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Analyst } from '../agent/analyst.ts'
import { investigate as investigateOnce } from '../agent/investigate.ts'
import { playbook } from '../agent/playbook/playbook.ts'
import { systemClock } from '../domain/clock.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import { redactDeep } from '../domain/redact.ts'
import { ground } from '../incidents/grounding.ts'
import { correlatePending } from '../incidents/pipeline.ts'
import { readCase } from '../incidents/read-case.ts'
import { recordReader } from '../incidents/record-reader.ts'
import { getAlertRaw, getAlerts } from '../store/alerts.ts'
import type { Database } from '../store/database.ts'
import { listIncidents } from '../store/incidents.ts'
import { membershipsOf } from '../store/memberships.ts'
import { inStorm, recordStory } from '../test/support/story.ts'
import { fenceNote } from '../tools/quoted.ts'
import { CaseView, caseView } from '../tools/views/case-file.ts'
import { type Bench, type Comparison, percentile, timed } from './bench.ts'
import { type Measured, onBoth } from './bench-database.ts'
import { besideTheModel } from './claude.ts'
import { takeAlerts } from './many-alerts.ts'

const many = 500
const asks = 60
const analysts: readonly Analyst[] = [playbook]
const options = { cluster: () => ({ simulated: true }) }
type Tell = (text: string) => void

export const investigate: Bench = {
  name: 'investigate',
  title: 'One investigation',
  run: (runs, progress) => onBoth(progress, (measured) => measure(measured, runs, progress)),
}

async function measure({ on, open }: Measured, runs: number, progress: Tell): Promise<Comparison[]> {
  const db = await open()
  try {
    const quiet = await recordStory(db, systemClock, 'story')
    const storm = await recordStory(db, systemClock, 'storm', (scenario) => inStorm(many - scenario.alerts.length)(scenario))
    await db.query(sql`analyze`)
    const ids = (await membershipsOf(db, { incidentId: storm.id })).map(({ alertId }) => alertId)
    progress(`${on}: an incident of ${ids.length} alerts`)
    const bare = await timed(asks, async () => getAlerts(db, ids))
    const rows = async (what: string, work: () => Promise<unknown>): Promise<Comparison[]> => {
      await work()
      const samples = await timed(asks, work)
      return [0.5, 0.95].map((share) => ({
        what: `${on}: ${what}${share === 0.5 ? '' : ', 95th percentile'}`,
        unit: 'ms',
        falconer: [percentile(samples, share)],
        baseline: { what: 'its alerts read by their ids', samples: [percentile(bare, share)] },
      }))
    }
    const compared: Comparison[] = []
    for (const analyst of analysts)
      compared.push(...(await rows(`investigated by ${analyst.name}`, () => investigateOnce(db, systemClock, analyst, storm.id, options))))
    compared.push(...(await besideTheModel(db, on, storm.id, runs, progress)))
    compared.push(...(await rows('of it, the case read', () => readCase(db, new Date(), storm.id, options))))
    const file = await readCase(db, new Date(), storm.id, options)
    const draft = await playbook.analyse(file)
    const about = { severityFloor: storm.severityFloor, entityIds: new Set<string>(), coverage: new Map<string, string>() }
    compared.push(...(await rows('of it, the report written', () => playbook.analyse(file))))
    compared.push(...(await rows('of it, its claims checked', () => ground(draft, recordReader(db), about))))
    if (on === 'Postgres') return compared
    return [
      ...compared,
      await size(db, 'the demo’s incident', [quiet.id]),
      await size(db, `an incident of ${many}`, [storm.id]),
      ...(await sizesOfFile(db, progress)),
    ]
  } finally {
    await db.close()
  }
}

/** Tokens are reckoned as a quarter of the bytes. */
async function size(db: Database, what: string, incidentIds: readonly string[]): Promise<Comparison> {
  let [told, came] = [0, 0]
  for (const id of incidentIds) {
    const view = redactDeep(CaseView.parse(caseView(await readCase(db, new Date(), id, options))))
    told += Buffer.byteLength(`${fenceNote}\n${stringifyExact(view)}`)
    for (const { alertId } of await membershipsOf(db, { incidentId: id })) came += (await getAlertRaw(db, alertId))?.length ?? 0
  }
  return {
    what: `case file, ${what}`,
    unit: 'tokens',
    falconer: [Math.round(told / 4)],
    baseline: { what: 'the same alerts as they came', samples: [Math.round(came / 4)] },
  }
}

/** Of a real file of 100 alerts, where it is: its largest incident, and all that are investigated by themselves. */
async function sizesOfFile(db: Database, progress: Tell): Promise<Comparison[]> {
  const data = process.env.FALCONER_CONFORMANCE_DATA
  if (data === undefined) {
    progress('FALCONER_CONFORMANCE_DATA names no folder: no real alerts to compare')
    return []
  }
  await takeAlerts(db, (await readFile(join(data, 'falco-alerts/falco_87b528.log'), 'utf8')).split('\n'))
  while ((await correlatePending(db, systemClock)).more);
  const { incidents } = await listIncidents(db, { scope: 'bench' }, { limit: 100 })
  const [largest] = incidents.toSorted((a, b) => b.alertCount - a.alertCount)
  if (largest === undefined) throw new Error('the file made no incident')
  return [
    await size(db, `the largest of a real file of 100 alerts (${largest.alertCount})`, [largest.id]),
    await size(
      db,
      `all ${incidents.length} incidents of it`,
      incidents.map(({ id }) => id),
    ),
  ]
}
