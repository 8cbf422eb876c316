/**
 * `npm run bench -- lists`: how long the pages that list, search and show take to answer (95th percentile), with 100,000 alerts
 * on the embedded database and, where FALCONER_BENCH_DATABASE_URL names a server, 1,000,000 on Postgres. The baseline is the
 * least statement that finds the same rows, on the same connection.
 */
import { type RawBuilder, sql } from 'kysely'
import { composeFalconer } from '../apps/server/falconer.ts'
import { loadConfig } from '../config/config.ts'
import type { Database } from '../store/database.ts'
import { listIncidents } from '../store/incidents.ts'
import { type Bench, type Comparison, percentile, timed } from './bench.ts'
import { type Measured, onBoth } from './bench-database.ts'
import { fillStore } from './many-alerts.ts'
import { askPages } from './pages-asked.ts'

const asks = 60
type Question = { what: string; path: string; least: RawBuilder<unknown> }

export const lists: Bench = {
  name: 'lists',
  title: 'Pages over many alerts, 95th percentile',
  run(_runs, progress) {
    return onBoth(progress, ({ on, folder, open }) => {
      const total = on === 'embedded' ? 100_000 : 1_000_000
      return measure(`${on}, ${total.toLocaleString('en')}`, open, folder, total, progress)
    })
  },
}

async function measure(
  title: string,
  open: Measured['open'],
  folder: string,
  total: number,
  progress: (text: string) => void,
): Promise<Comparison[]> {
  const db = await open()
  const config = loadConfig({ FALCONER_DATA: folder, FALCONER_LOG: 'error' }, {})
  const falconer = await composeFalconer(config, { database: db, as: 'command' })
  try {
    await fillStore(db, total, (text) => progress(`${title}: ${text}`))
    const ask = await askPages(falconer)
    const comparisons: Comparison[] = []
    for (const { what, path, least } of await questions(db)) {
      progress(`${title}: ${what}`)
      const ours = await p95(() => ask(path))
      comparisons.push({
        what: `${title}: ${what}`,
        unit: 'ms',
        falconer: [ours],
        baseline: { what: 'the least statement for it', samples: [await p95(() => db.query(least))] },
      })
    }
    return comparisons
  } finally {
    await falconer.close()
  }
}

async function questions(db: Database): Promise<Question[]> {
  const { incidents } = await listIncidents(db, {}, { limit: 50 })
  const incident = incidents.at(-1)?.id ?? ''
  const newest = sql`order by event_ns desc, id desc limit 101`
  return [
    {
      what: 'incidents',
      path: '/incidents',
      least: sql`select * from incidents where merged_into is null order by severity desc, last_ns desc, id desc limit 51`,
    },
    {
      what: 'one incident',
      path: `/incidents/${incident}`,
      least: sql`select a.* from incident_alerts m join alerts a on a.id = m.alert_id and a.received_at = m.received_at where m.incident_id = ${incident} order by m.event_ns limit 200`,
    },
    { what: 'newest alerts', path: '/alerts', least: sql`select * from alerts ${newest}` },
    {
      what: 'alerts of a rule',
      path: '/alerts?rule=Read+sensitive+file+untrusted',
      least: sql`select * from alerts where rule = 'Read sensitive file untrusted' ${newest}`,
    },
    {
      what: 'alerts of a pod',
      path: '/alerts?pod=shop%2Fcheckout-7',
      least: sql`select * from alerts where pod_namespace = 'shop' and pod_name = 'checkout-7' ${newest}`,
    },
    {
      what: 'a severity nobody has',
      path: '/alerts?rule=Terminal+shell+in+container&severity=critical',
      least: sql`select * from (select * from alerts where rule = 'Terminal shell in container' order by event_ns desc, id desc limit 20000) a where severity >= 5 limit 101`,
    },
    {
      what: 'a text nobody wrote',
      path: '/alerts?text=nobody-wrote-this',
      least: sql`select * from (select * from alerts order by event_ns desc, id desc limit 4000) a where output like '%nobody-wrote-this%' limit 101`,
    },
  ]
}

const p95 = async (work: () => Promise<unknown>): Promise<number> => percentile(await timed(asks, work), 0.95)
