/**
 * The baselines of ingest, on the same database and the same rows: (a) one transaction per alert on one connection, (b) COPY of
 * all of them at once, each into a table with the columns, indexes and bytes of `alerts`, and nothing else: no deduplication,
 * no parsing, no incident.
 */
import pg from 'pg'

export type Rates = { perAlert: number; copy: number }

const columnsOf = `select column_name as name from information_schema.columns where table_name = 'alerts' and table_schema = 'public' order by ordinal_position`
/** Everything as text, so that what is timed is the database and not our reading of its types. */
const rowsOf = (names: readonly string[], limit: number): string =>
  `select ${names.map((name) => `${name}::text as ${name}`).join(', ')} from alerts limit ${limit}`

/** Needs a user who may COPY to a file of the server's, and a database that Falconer has filled. */
export async function measureBare(config: pg.ClientConfig, singles: number): Promise<Rates> {
  const client = new pg.Client(config)
  await client.connect()
  try {
    const names = (await client.query<{ name: string }>(columnsOf)).rows.map(({ name }) => name)
    await client.query('create table bare (like alerts including all)')
    const rows = (await client.query<Record<string, string | null>>(rowsOf(names, singles))).rows
    const text = `insert into bare (${names.join(', ')}) values (${names.map((_name, index) => `$${index + 1}`).join(', ')})`
    const perAlert = await rate(async () => {
      for (const row of rows) await client.query({ name: 'bare', text, values: names.map((name) => row[name] ?? null) })
      return rows.length
    })
    await client.query(`copy (select * from alerts) to '${copyFile}'`)
    await client.query('truncate bare')
    const copy = await rate(async () => (await client.query(`copy bare from '${copyFile}'`)).rowCount ?? 0)
    await client.query('drop table bare')
    return { perAlert, copy }
  } finally {
    await client.end()
  }
}
const copyFile = '/tmp/falconer-bench.copy'

/** Alerts a second; `work` answers how many it wrote. */
async function rate(work: () => Promise<number>): Promise<number> {
  const from = performance.now()
  const count = await work()
  return (count / (performance.now() - from)) * 1_000
}
