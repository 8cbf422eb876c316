/**
 * `npm run bench -- lists`: how long the pages that list, search and show take to answer (95th percentile), with 100,000 alerts
 * on the embedded database and, where FALCONER_BENCH_DATABASE_URL names a server, 1,000,000 on Postgres. The baseline is the
 * least statement that finds the same rows, on the same connection.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import { composeFalconer } from '../apps/server/falconer.ts'
import { createApp } from '../apps/server/http.ts'
import { invite, signInWithLink } from '../auth/people.ts'
import { loadConfig } from '../config/config.ts'
import { operatorPrincipal } from '../domain/principal.ts'
import type { Database } from '../store/database.ts'
import { openDatabase } from '../store/database.ts'
import { listIncidents } from '../store/incidents.ts'
import type { Bench, Comparison } from './bench.ts'
import { newServerDatabase } from './bench-database.ts'
import { percentile } from './ingest-load.ts'
import { fillStore } from './many-alerts.ts'

const asks = 60
type Question = { what: string; path: string; least: RawBuilder<unknown> }

export const lists: Bench = {
  name: 'lists',
  title: 'Pages over many alerts, 95th percentile',
  async run(_runs, progress) {
    const folder = await mkdtemp(join(tmpdir(), 'falconer-bench-'))
    const server = await newServerDatabase()
    try {
      const embedded = await measure(
        'embedded, 100,000',
        await openDatabase({ dataDir: join(folder, 'embedded') }),
        folder,
        100_000,
        progress,
      )
      if (server === null) progress('no Postgres server: FALCONER_BENCH_DATABASE_URL is not set')
      const onServer =
        server === null ? [] : await measure('Postgres, 1,000,000', await openDatabase({ url: server.url }), folder, 1_000_000, progress)
      return [...embedded, ...onServer]
    } finally {
      await server?.drop()
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function measure(
  title: string,
  db: Database,
  folder: string,
  total: number,
  progress: (text: string) => void,
): Promise<Comparison[]> {
  const config = loadConfig({ FALCONER_DATA: folder, FALCONER_LOG: 'error' }, {})
  const falconer = await composeFalconer(config, { database: db, as: 'command' })
  try {
    await fillStore(db, total, (text) => progress(`${title}: ${text}`))
    const app = createApp(falconer)
    const link = await invite(falconer.auth, { principal: operatorPrincipal, channel: 'cli' }, 'Bench', 'viewer')
    const { token } = await signInWithLink(falconer.auth, link.token, 'bench')
    const headers = { host: 'localhost', cookie: `falconer_session=${token}` }
    const comparisons: Comparison[] = []
    for (const { what, path, least } of await questions(db)) {
      progress(`${title}: ${what}`)
      const ours = await p95(async () => {
        const answer = await app.request(`http://localhost${path}`, { headers })
        await answer.text()
        if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`)
      })
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

async function p95(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let ask = 0; ask < asks; ask += 1) {
    const from = performance.now()
    await work()
    times.push(performance.now() - from)
  }
  return percentile(
    times.sort((a, b) => a - b),
    0.95,
  )
}
