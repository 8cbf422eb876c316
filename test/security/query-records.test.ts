/**
 * A statement that somebody else wrote never writes, reads a file or what no view shows, outlives its time or brings more rows than it may: held by the
 * engine alone, with nothing read in the statement beforehand; and again as the tool asks, which reads it first.
 */
import { sql } from 'kysely'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../domain/clock.ts'
import { FalconerError } from '../../domain/errors.ts'
import { type Asked, askRecords, answerAs } from '../../store/ask.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { emptyDelivery } from '../../store/delivery.ts'
import { accept } from '../../store/intake.ts'
import { serverDatabase, serverUrl } from '../support/database.ts'
import { hostileStatement } from '../support/hostile-statements.ts'
import { newAlert } from '../support/records.ts'
import { cases, seed } from '../support/sizes.ts'

const canary = 'canary7f3e'
const secret = `select output from public.alerts`
const timeMs = 250
const most = 20

describe.skipIf(serverUrl === undefined)('statements of others', () => {
  let url: string
  let db: Database
  let drop: () => Promise<void>
  beforeAll(async () => {
    const own = await serverDatabase(serverUrl as string)
    ;({ url, drop } = own)
    db = await openDatabase({ url })
    const alerts = Array.from({ length: 60 }, (_, index) =>
      newAlert({
        eventNs: BigInt(index + 1),
        output: `${canary} ${index}`,
        raw: Buffer.from(JSON.stringify({ output: `${canary} ${index}` })),
      }),
    )
    await accept(db, systemClock, [{ ...emptyDelivery({ sourceId: null, scope: 'lab' }), alerts }])
  })
  afterAll(async () => {
    await db.close()
    await drop()
  })

  const ask = (statement: string): Promise<Asked> => answerAs(db, 'ask', statement, { rows: most, timeMs })

  /** Everything in the database that a statement could leave behind. */
  const traces = async (): Promise<unknown> => {
    const tables = await db.query(sql<{
      name: string
      kind: string
    }>`select c.oid::regclass::text as name, c.relkind::text as kind from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('public', 'ask') and c.relkind in ('r', 'S') order by 1`)
    const contents = await Promise.all(
      tables.map(({ name, kind }) =>
        db.query(
          sql.raw(
            kind === 'S'
              ? `select last_value from ${name}`
              : `select '${name}' as name, count(*), sum(hashtextextended(t::text, 0)) as sum from ${name} t`,
          ),
        ),
      ),
    )
    const rest = await db.query(sql`select (select count(*) from pg_class) as relations, (select count(*) from pg_proc) as functions,
      (select count(*) from pg_largeobject_metadata) as objects, (select count(*) from pg_db_role_setting) as settings, (select count(*) from pg_prepared_xacts) as prepared,
      (select md5(string_agg(r::text, ',' order by oid)) from pg_roles r where rolname in (current_user, 'falconer_reader')) as roles,
      (select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())) as locks,
      (select md5(string_agg(definition, ',' order by viewname)) from pg_views where schemaname = 'ask') as views`)
    return [contents, rest]
  }

  const judge = (statement: string, answer: Asked, took: number): void => {
    const said = JSON.stringify(answer, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    expect(said.includes(canary), `a secret was read by ${statement}`).toBe(false)
    expect(/root:[x*]?:0:|listen_addresses/.test(said), `a file was read by ${statement}`).toBe(false)
    expect(took, `${statement} took too long`).toBeLessThan(timeMs + 5_000)
    if ('rows' in answer) expect(answer.rows.length).toBeLessThanOrEqual(most)
    expect(said.length).toBeLessThan(300 * 1024)
  }

  it('guarantee 5: 10,000 hostile statements leave no trace, read no file and nothing but the views, in time and in rows', async ({
    task,
  }) => {
    const before = await traces()
    const size = cases(10_000)
    const statements = fc.sample(hostileStatement(secret), { numRuns: size, seed })
    const outcomes = { answered: 0, refused: 0, late: 0 }
    const next = statements.values()
    const worker = async (): Promise<void> => {
      for (const statement of next) {
        const from = performance.now()
        const answer = await ask(statement)
        judge(statement, answer, performance.now() - from)
        if ('rows' in answer) outcomes.answered += 1
        else if (/took longer/.test(answer.refused)) outcomes.late += 1
        else outcomes.refused += 1
      }
    }
    await Promise.all([worker(), worker()])
    // A connection that was cut off takes a moment to be gone, and its locks with it.
    await expect.poll(traces, { timeout: 10_000 }).toEqual(before)
    // That all three occur shows that the limits were reached.
    expect(Math.min(outcomes.answered, outcomes.refused, outcomes.late)).toBeGreaterThan(0)
    Object.assign(task.meta, { cases: size })
  })

  it('the same through what reads the statement first, which lets through what it should', async () => {
    const outcomes = { answered: 0, refused: 0 }
    for (const statement of fc.sample(hostileStatement(secret), { numRuns: cases(2_000), seed: seed + 1 })) {
      const from = performance.now()
      const answer = await askRecords(db, statement, { rows: most, timeMs }).catch((error: unknown) => {
        if (error instanceof FalconerError) return { refused: error.message }
        throw error
      })
      judge(statement, answer, performance.now() - from)
      outcomes['rows' in answer ? 'answered' : 'refused'] += 1
    }
    expect(Math.min(outcomes.answered, outcomes.refused)).toBeGreaterThan(0)
  })

  it('the attacks are real: with the role alone, and the function left out, one statement reads what no view shows', async () => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    client.on('error', () => {})
    await client.query('begin read only; set local role falconer_reader; set local search_path = ask')
    await expect(client.query(secret)).rejects.toThrow(/permission denied/)
    await client.query('rollback; begin read only; set local role falconer_reader; set local search_path = ask')
    const escape = `with a as materialized (select set_config('role', 'none', true) as x) select x, query_to_xml('${secret}', true, false, '')::text as found from a`
    expect(JSON.stringify((await client.query(escape)).rows)).toContain(canary)
    await client.end()
    expect(await ask(escape)).toEqual({ refused: expect.stringMatching(/cannot set parameter "role" within security-definer function/) })
  })

  it('the function answers nobody outside a read-only transaction, and nobody once it belongs to another', async () => {
    await expect(db.query(sql.raw(`select ask.answer('select 1', 1, 100)`))).rejects.toThrow(/not as falconer_reader/)
    await db.query(sql.raw(`alter function ask.answer(text, integer, integer) owner to current_user`))
    expect(await ask(secret)).toEqual({ refused: 'not as falconer_reader' })
    // Put right again by the next who asks.
    expect(await askRecords(db, 'select count(*) as n from alerts', { rows: 1 })).toEqual({ rows: [{ n: 60 }], cut: null })
  })

  it('a session keeps nothing for the next: locks, settings and large objects are gone', async () => {
    const unlimited = await ask(`select set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false), pg_sleep(30)`)
    expect(unlimited).toEqual({ refused: expect.stringMatching(/took longer than 0.25 s/) })
    await ask(`select pg_advisory_lock(7203418, 1), set_config('search_path', 'x', false), lo_create(0)`)
    expect(await db.query(sql`select (select count(*)::int from pg_largeobject_metadata) as objects`)).toEqual([{ objects: 0 }])
    expect(await ask('select count(*) as n from alerts')).toEqual({ rows: [{ n: 60 }], cut: null })
  })

  it('many at once wait for their turn', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask('select count(*) as n from alerts')))
    expect(answers).toEqual(Array.from({ length: 30 }, () => ({ rows: [{ n: 60 }], cut: null })))
  })

  it('where Falconer’s role may make no other, it says what to do, and answers once that is done', async () => {
    const admin = new pg.Client({ connectionString: url })
    await admin.connect()
    const [role, name] = [`falconer_plain_${process.pid}`, `falconer_test_plain_${process.pid}`]
    await admin.query(`create role ${role} login`)
    await admin.query(`create database ${name} owner ${role}`)
    const plain = new URL(url)
    plain.pathname = `/${name}`
    const extended = new pg.Client({ connectionString: plain.href })
    await extended.connect()
    await extended.query('create extension vector')
    await extended.end()
    plain.username = role
    const own = await openDatabase({ url: plain.href })
    try {
      const count = () => askRecords(own, 'select count(*) as n from alerts', { rows: 1 })
      await expect(count()).rejects.toThrow(/CREATE ROLE falconer_reader NOLOGIN; GRANT falconer_reader TO/)
      await admin.query(`grant falconer_reader to ${role}`)
      expect(await count()).toEqual({ rows: [{ n: 0 }], cut: null })
      expect(await answerAs(own, 'ask', secret, { rows: 1 })).toEqual({ refused: 'permission denied for table alerts' })
    } finally {
      await own.close()
      await admin.query(`drop database ${name} with (force)`)
      await admin.query(`drop role ${role}`)
      await admin.end()
    }
  })

  it('whoever stops waiting stops the statement', async () => {
    const stop = new AbortController()
    const asking = answerAs(db, 'ask', 'select pg_sleep(4)', { rows: 1, timeMs: 5_000, signal: stop.signal })
    setTimeout(() => stop.abort(), 100)
    await expect(asking).rejects.toThrow(/Nobody waits/)
    await expect
      .poll(() =>
        db.query(
          sql`select count(*)::int as n from pg_stat_activity where query like '%ask.answer%' and pid <> pg_backend_pid() and datname = current_database()`,
        ),
      )
      .toEqual([{ n: 0 }])
  })
})
