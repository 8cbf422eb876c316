/**
 * Databases for tests: always the embedded one; also a real Postgres with pgvector when FALCONER_TEST_DATABASE_URL
 * names one, each test file in a database of its own that is dropped afterwards.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe } from 'vitest'
import { type Database, openDatabase } from '../../store/database.ts'

export const templateFile = new URL('../../node_modules/.cache/falconer-tests/template.tar', import.meta.url)
export const serverUrl = process.env.FALCONER_TEST_DATABASE_URL

export async function embeddedDatabase(dataDir?: string): Promise<Database> {
  return openDatabase({ dataDir, template: new Blob([await readFile(templateFile)]), migrate: true })
}

/** A new, empty database on the real server; `drop` removes it. */
export async function serverDatabase(url: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `falconer_test_${randomBytes(6).toString('hex')}`
  const run = async (statement: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  await run(`create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  return { url: own.href, drop: () => run(`drop database if exists ${name} with (force)`) }
}

/** Runs the same tests on every kind of database there is; `kind` for what only one of them has. */
export function eachDatabase(title: string, tests: (database: () => Database, kind: Database['kind']) => void): void {
  describe(`${title} (embedded)`, () => {
    let database: Database
    beforeAll(async () => {
      database = await embeddedDatabase()
    })
    afterAll(async () => database.close())
    tests(() => database, 'embedded')
  })
  describe.skipIf(serverUrl === undefined)(`${title} (Postgres server)`, () => {
    let database: Database
    let drop: () => Promise<void>
    beforeAll(async () => {
      const own = await serverDatabase(serverUrl as string)
      drop = own.drop
      database = await openDatabase({ url: own.url })
    })
    afterAll(async () => {
      await database.close()
      await drop()
    })
    tests(() => database, 'server')
  })
}
