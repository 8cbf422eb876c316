import fc from 'fast-check'
import { PGlite } from '@electric-sql/pglite'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import { vector } from '@electric-sql/pglite-pgvector'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { expect, it } from 'vitest'
import { type NewAlert, said } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import { parseExact } from '../domain/exact-json.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, newAlert } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import { searchAlerts } from './alert-search.ts'
import { getAlert, getAlertRaw, getLeads } from './alerts.ts'
import { openDatabase } from './database.ts'
import { accept } from './intake.ts'
import { membershipsOf } from './memberships.ts'
import { migrate, migrations } from './migrate.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
let count = 0

/** As a collector reads it. */
function alertOf(text: string, over: Partial<NewAlert> = {}): NewAlert {
  const raw = Buffer.from(text)
  const document = parseExact(raw.toString()) as Record<string, unknown>
  count += 1
  return newAlert({ ...said(document), document, raw, rawIsDocument: true, contentKey: count.toString(16).padStart(64, '0'), ...over })
}

const odd = fc.constantFrom('\\u0000', '\\ud800', '\\ud83d\\ude00', '\u241b', '\\u241b', '\\\\u0000', '\\"', 'é', '\\ud800', 'a', '😀')
const text = fc.array(odd, { maxLength: 4 }).map((parts) => `"${parts.join('')}"`)
const number = fc.constantFrom(
  '1',
  '1.0',
  '1e5',
  '1e-400',
  '1e-20000',
  '1e-999999',
  '9223372036854775808',
  '1700000000123456789',
  `1${'0'.repeat(400)}`,
)
const value = fc.oneof(text, number, fc.constantFrom('null', 'true', '[1,"x"]', '{"deep":{"er":[]}}'))
const fields = fc.oneof(
  fc.constantFrom('null', '{}'),
  fc
    .array(fc.tuple(fc.oneof(text, fc.constantFrom('"a"', '"__proto__"')), value), { maxLength: 4 })
    .map((all) => `{${all.map((one) => one.join(': ')).join()}}`),
)
const document = fc
  .tuple(fc.oneof(text, fc.constantFrom('null', '5')), fields)
  .map(([output, inner]) => `{"output":${output}, "output_fields":${inner},"rule":"x"}`)

eachDatabase('what an alert’s own document says', (database) => {
  const stored = async (alert: NewAlert): Promise<string> => {
    const [tally] = await accept(database(), clock, [delivery({ alerts: [alert] })])
    expect(tally).toMatchObject({ accepted: 1, deadLetters: 0 })
    const [row] = await database().query(
      sql<{ id: string }>`select alert_id::text as id from alert_keys where content_key = decode(${alert.contentKey}, 'hex')`,
    )
    return row?.id ?? ''
  }

  it('is stored once, and read from it as it was written', async () => {
    const alert = alertOf('{"output":"Shell by root","output_fields":{"proc.name":"bash","evt.time":1700000000123456789},"rule":"x"}')
    const id = await stored(alert)
    const [row] = await database().query(
      sql<{ empty: boolean }>`select fields is null and output is null as empty from alerts where id = ${id}`,
    )
    expect(row).toEqual({ empty: true })
    expect(await getAlert(database(), id)).toMatchObject({
      output: 'Shell by root',
      fields: { 'proc.name': 'bash', 'evt.time': 1700000000123456789n },
    })
    expect(Buffer.from((await getAlertRaw(database(), id)) ?? '')).toEqual(alert.raw)
  })

  it('is read and searched whatever is written in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(document, { minLength: 1, maxLength: 8 }), async (texts) => {
        const alerts = texts.map((one) => alertOf(one, { scope: 'odd' }))
        const [tally] = await accept(database(), clock, [delivery({ scope: 'odd', alerts })])
        expect(tally).toMatchObject({ accepted: alerts.length, deadLetters: 0 })
        const { alerts: found } = await searchAlerts(database(), { text: 'nowhere to be found' }, { limit: 5 })
        expect(found).toEqual([])
        const rows = await database().query(
          sql<{ id: string; key: Buffer }>`select alert_id::text as id, content_key as key from alert_keys where scope = 'odd'`,
        )
        const ids = new Map(rows.map((row) => [row.key.toString('hex'), row.id]))
        for (const alert of alerts) {
          const read = await getAlert(database(), ids.get(alert.contentKey) ?? '')
          expect(read?.output).toBe(alert.output)
          expect(read?.fields).toEqual(alert.fields)
        }
        await database().query(sql`delete from alerts where scope = 'odd'`)
      }),
      property(400),
    )
  })

  it('is found by its words, wherever they stand', async () => {
    const sentence = await stored(alertOf('{"output":"A Marmot sat there","output_fields":null,"rule":"x"}'))
    const field = await stored(alertOf('{"output_fields":{"proc.cmdline":"feed the MARMOT","n":1},"rule":"x"}'))
    const escaped = await stored(alertOf('{"output_fields":{"proc.cmdline":"\\u0000 marmot"},"rule":"x"}'))
    await stored(alertOf('{"output":"nobody","output_fields":{"marmot":"the name of a field is no word of it"},"rule":"x"}'))
    const { alerts } = await searchAlerts(database(), { text: 'marmot' }, { limit: 10 })
    expect(alerts.map(({ id }) => id).sort()).toEqual([sentence, field, escaped].sort())
  })

  it('is asked for by correlation only where it may name somebody', async () => {
    const text = '{"output_fields":{"ka.user.name":"eve"},"rule":"x"}'
    const call = await stored(alertOf(text))
    const audit = await stored(alertOf(text, { sensorSource: 'k8s_audit' }))
    const escaped = await stored(alertOf('{"output_fields":{"ka.user.name":"eve\\u0000"},"rule":"x"}', { sensorSource: null }))
    const leads = new Map((await getLeads(database(), [call, audit, escaped])).map((lead) => [lead.id, lead.fields]))
    expect(leads).toEqual(
      new Map([
        [call, null],
        [audit, { 'ka.user.name': 'eve' }],
        [escaped, { 'ka.user.name': 'eve\0' }],
      ]),
    )
  })
})

it('is left where it was in rows of before', async () => {
  const pglite = await PGlite.create({ extensions: { vector } })
  const pool = new pg.Pool({ ...(createPgConfig(pglite) as unknown as pg.PoolConfig), max: 1 })
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  const [id, incidentId] = ['019ab000-0000-7000-8000-000000000001', '019ab000-0000-7000-8000-000000000002']
  await migrate(kysely, Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0006')))
  const at = new Date(Number.parseInt('019ab0000000', 16)).toISOString()
  const normal = {
    relayedAs: null,
    truncated: [],
    eventTimeFrom: 'event',
    tags: ['␛0'],
    tactics: ['TA0002'],
    techniques: [],
    process: null,
    container: null,
    pod: null,
    file: null,
    connection: null,
  }
  await sql`insert into alerts (id, received_at, scope, sensor, sensor_source, event_ns, event_time, rule, priority, severity, output, normal, fields, raw, content_key)
    values (${id}, ${at}, 'lab', 'falco', 'syscall', 5, ${at}, 'Old', 4, 3, 'an old sentence', ${JSON.stringify(normal)}, ${'{"user":"old␛0","evt.time":1700000000123456789}'}, 'x', 'k')`.execute(
    kysely,
  )
  await sql`insert into alert_keys (scope, content_key, alert_id, received_at, last_received_at) values ('lab', 'k', ${id}, ${at}, ${at})`.execute(
    kysely,
  )
  await sql`insert into incident_alerts (alert_id, incident_id, event_ns, received_at, rule, priority, reasons, facts, context, resolved)
    values (${id}, ${incidentId}, 5, ${at}, 'Old', 4, '[]', '[{"rule":"same-pod","key":"k","label":"l","inferred":false}]', '{"how":"then"}', true)`.execute(
    kysely,
  )
  await kysely.destroy()
  const db = await openDatabase({ pglite })
  expect(await getAlert(db, id)).toMatchObject({
    output: 'an old sentence',
    fields: { user: 'old\0', 'evt.time': 1700000000123456789n },
    tags: ['\0'],
  })
  expect(await membershipsOf(db, { alertIds: [id] })).toMatchObject([{ facts: [{ key: 'k' }], context: { how: 'then' } }])
  expect((await searchAlerts(db, { text: 'SENTENCE' }, { limit: 5 })).alerts.map((alert) => alert.id)).toEqual([id])
  await db.close()
})
