/**
 * `npm run bench -- fix-first`: how long it takes to say what to fix first (95th percentile), with 100,000 findings on the embedded database and,
 * where FALCONER_BENCH_DATABASE_URL names a server, 1,000,000 on Postgres. The baseline counts the same findings by what fixes them, unordered,
 * as a list that is not kept would have to, on the same connection.
 */
import { sql } from 'kysely'
import { composeFalconer } from '../apps/server/falconer.ts'
import { loadConfig } from '../config/config.ts'
import { systemClock } from '../domain/clock.ts'
import { deriveFixes } from '../graph/fix-first.ts'
import type { Database } from '../store/database.ts'
import { type Bench, type Comparison, percentile, timed } from './bench.ts'
import { type Measured, onBoth } from './bench-database.ts'
import { fillFindings } from './fix-first-estate.ts'
import { askPages } from './pages-asked.ts'

const asks = 60

export const fixFirst: Bench = {
  name: 'fix-first',
  title: 'What to fix first, 95th percentile',
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
    const { seconds, fixes } = await fillFindings(db, total, (text) => progress(`${title}: ${text}`))
    progress(`${title}: ${fixes.toLocaleString('en')} fixes derived in ${seconds.toFixed(1)} s`)
    const ask = await askPages(falconer)
    const grouped = await p95(() => db.query(sql`select fix_id, count(*) from findings where status = 'open' group by fix_id`), 5)
    const [incident] = await db.query(sql<{ id: string }>`select id::text from incidents order by id limit 1`)
    const comparisons: Comparison[] = []
    for (const [what, path] of [
      ['first 20', '/api/v1/fixes'],
      ['of a cluster', '/api/v1/fixes?scope=prod-1'],
      ['of a namespace', '/api/v1/fixes?namespace=ns-7'],
      ['of an incident', `/api/v1/fixes?incident=${incident?.id}`],
      ['the page', '/fix-first'],
    ] as const) {
      const ours = await p95(() => ask(path))
      comparisons.push({
        what: `${title}: ${what}`,
        unit: 'ms',
        falconer: [ours],
        baseline: { what: 'findings counted by fix', samples: [grouped] },
      })
    }
    const again = await p95(() => oneImageAgain(db), 10)
    return [
      ...comparisons,
      {
        what: `${title}: after one image’s scan`,
        unit: 'ms',
        falconer: [again],
        baseline: { what: 'findings counted by fix', samples: [grouped] },
      },
    ]
  } finally {
    await falconer.close()
  }
}

/** What a new scan of one image leaves to derive: all fixes of that image, that of its base among them. */
async function oneImageAgain(db: Database): Promise<void> {
  await db.query(sql`insert into fix_marks (fix_id) select distinct fix_id from findings where resource_kind = 'image'
    and resource_key = (select resource_key from findings offset ${Math.floor(Math.random() * 50_000)} limit 1)`)
  while ((await deriveFixes(db, systemClock)).more);
}

const p95 = async (work: () => Promise<unknown>, times = asks): Promise<number> => percentile(await timed(times, work), 0.95)
