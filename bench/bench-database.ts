/** A database of its own for a benchmark, on the server that FALCONER_BENCH_DATABASE_URL names (a superuser of it); dropped afterwards. */
import pg from 'pg'

/** Null when no server is named. */
export async function newServerDatabase(): Promise<{ url: string; drop(): Promise<void> } | null> {
  const given = process.env.FALCONER_BENCH_DATABASE_URL
  if (given === undefined) return null
  const name = `falconer_bench_${process.pid}`
  const asked = async (statement: string): Promise<void> => {
    const admin = new pg.Client({ connectionString: given })
    await admin.connect()
    await admin.query(statement).finally(() => admin.end())
  }
  await asked(`create database ${name}`)
  const own = new URL(given)
  own.pathname = `/${name}`
  return { url: own.href, drop: () => asked(`drop database if exists ${name} with (force)`) }
}
