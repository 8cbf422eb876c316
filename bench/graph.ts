/**
 * `npm run bench -- graph [--estate N]`: what the graph is asked over a made estate (N times 112,604 entities and 658,838 relations, 1 unless told
 * otherwise; from 5 on only on a server), embedded and, where FALCONER_BENCH_DATABASE_URL names a server, on Postgres. The baseline is the statement
 * that was fastest on plain tables when the shape of the graph was chosen, on the same connection.
 */
import { type Bench, type Comparison, median, percentile } from './bench.ts'
import { type Measured, onBoth } from './bench-database.ts'
import { fillBaseline } from './graph-baseline.ts'
import { fillEstate } from './graph-estate.ts'
import { layOut } from './graph-layout.ts'
import { type Ask, type Question, questions } from './graph-questions.ts'
import { openAlerts } from './open-alerts.ts'

const least = 3
const most = { asks: 30, milliseconds: 6_000 }
const mostEmbedded = 5

export const graph: Bench = {
  name: 'graph',
  title: 'The security graph',
  run(_runs, progress, { estate, openAlerts: alerts }) {
    return onBoth(progress, async ({ on, open }) => {
      if (on === 'Postgres' || estate < mostEmbedded) return measure(on, open, estate, alerts, progress)
      progress(`embedded: not measured, an estate of ${estate} is for a server`)
      return []
    })
  },
}

async function measure(
  title: string,
  open: Measured['open'],
  scale: number,
  alerts: number,
  progress: (text: string) => void,
): Promise<Comparison[]> {
  const db = await open()
  const tell = (text: string): void => progress(`${title}: ${text}`)
  try {
    const estate = layOut(scale)
    await fillEstate(db, estate, tell)
    tell('the same in plain tables')
    await fillBaseline(db)
    const comparisons: Comparison[] = []
    for (const question of await questions(db, estate)) comparisons.push(...(await compare(title, question, tell)))
    const correlation = await openAlerts(db, alerts, tell)
    return [...comparisons, { ...correlation, what: `${title}: ${correlation.what}` }]
  } finally {
    await db.close()
  }
}

/** Warm: one ask of each is not counted. Both are asked the same, in turn: what else the machine does falls on both. */
async function compare(title: string, { what, ours, baseline }: Question, tell: (text: string) => void): Promise<Comparison[]> {
  tell(what)
  const [falconer, plain] = await timed([ours, baseline.ask])
  const row = (name: string, of: (samples: number[]) => number[]): Comparison => ({
    what: `${title}: ${what}${name}`,
    unit: 'ms',
    falconer: of(falconer),
    baseline: { what: baseline.what, samples: of(plain) },
  })
  return [row('', (samples) => [median(samples)]), row(', 95th percentile', (samples) => [percentile(samples, 0.95)])]
}

/** Milliseconds of each ask, sorted. */
async function timed(both: readonly [Ask, Ask]): Promise<[number[], number[]]> {
  const times: [number[], number[]] = [[], []]
  for (const ask of both) await ask(0)
  const until = performance.now() + most.milliseconds
  for (let place = 0; place < most.asks && (place < least || performance.now() < until); place += 1)
    for (const [which, ask] of both.entries()) {
      const from = performance.now()
      await ask(place)
      times[which]?.push(performance.now() - from)
    }
  for (const samples of times) samples.sort((a, b) => a - b)
  return times
}
