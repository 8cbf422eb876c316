/** What query_records tells of hostile records on a server: every text fenced, nothing invisible, no secret, and each payload seen (guarantees 6 and 7). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../domain/clock.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { accept } from '../../store/intake.ts'
import { queryRecordsTool } from '../../tools/catalog/query-records.ts'
import { serverDatabase, serverUrl } from '../support/database.ts'
import { aMarker, hostile, marked, stringsOf, wrongWith } from '../support/fenced.ts'
import { canaries, endless } from '../support/hostile-text.ts'
import { delivery, newAlert, noon, podRecords } from '../support/records.ts'
import { callTool, recordsContext } from '../support/tool-call.ts'

describe.skipIf(serverUrl === undefined)('query_records of a hostile world', () => {
  let db: Database
  let drop: () => Promise<void>
  const texts = [...canaries.map(({ text }) => text), ...marked]
  beforeAll(async () => {
    const own = await serverDatabase(serverUrl as string)
    drop = own.drop
    db = await openDatabase({ url: own.url })
    const alerts = texts.map((text, at) =>
      newAlert({
        eventNs: noon + BigInt(at),
        rule: text.slice(0, 900),
        hostname: text.slice(0, 200),
        pod: { namespace: text.slice(0, 200), name: text.slice(0, 200), uid: null },
      }),
    )
    const pods = texts.map((text) => podRecords({ name: text.slice(0, 200), namespace: text.slice(0, 200) }))
    await accept(db, systemClock, [
      delivery({
        scope: 'lab',
        alerts,
        entities: pods.flatMap(({ entities }) => entities),
        relations: pods.flatMap(({ relations }) => relations),
      }),
    ])
  })
  afterAll(async () => {
    await db?.close()
    await drop?.()
  })

  it.each([
    'select rule from alerts order by event_ns',
    'select hostname, namespace, pod from alerts order by event_ns',
    `select name, namespace, key from entities where kind = 'pod' order by id`,
    'select array_agg(rule) from alerts group by id order by id',
    'select count(*), upper(rule) from alerts group by rule order by rule',
  ])('guarantee 7: %s', async (statement) => {
    const seen = new Set<number>()
    for (let from = 0; from < texts.length + 5; from += 5) {
      const sql = `${statement} limit 5 offset ${from}`
      const { output } = await callTool(queryRecordsTool, recordsContext(db, systemClock), { sql, limit: 5 })
      for (const text of stringsOf(output)) {
        expect(wrongWith(text), text.slice(0, 300)).toBeNull()
        for (const [, index] of text.matchAll(aMarker)) seen.add(Number(index))
      }
    }
    const missed = hostile.filter((text, index) => !seen.has(index) && !endless.includes(text))
    expect(missed).toEqual([])
  })

  // No function makes objects, but a cast does: here somebody else's text is the name of a field.
  it('guarantee 7: text as the name of a field is fenced as a value is', async () => {
    const seen = new Set<number>()
    for (let from = 0; from < texts.length + 5; from += 5) {
      const sql = `select ('{"' || replace(replace(rule, '"', ''), E'\\\\', '') || '":{"' || replace(replace(hostname, '"', ''), E'\\\\', '') || '":1}}')::json as made
        from alerts where rule !~ '[[:cntrl:]]' order by event_ns limit 5 offset ${from}`
      const { output } = await callTool(queryRecordsTool, recordsContext(db, systemClock), { sql, limit: 5 })
      for (const text of stringsOf(output)) {
        expect(wrongWith(text), text.slice(0, 300)).toBeNull()
        for (const [, index] of text.matchAll(aMarker)) seen.add(Number(index))
      }
    }
    expect(hostile.filter((text, index) => !seen.has(index) && !endless.includes(text) && !/\p{Cc}/u.test(text))).toEqual([])
    const made = `select json_build_object(rule, 1) from alerts`
    await expect(callTool(queryRecordsTool, recordsContext(db, systemClock), { sql: made })).rejects.toThrow(
      /function “json_build_object” is not available/,
    )
  })

  it('guarantee 7: what the database says of a text in an error is fenced', async () => {
    for (const [at] of texts.entries()) {
      const sql = `select rule::int from alerts order by event_ns limit 1 offset ${at}`
      const said = await callTool(queryRecordsTool, recordsContext(db, systemClock), { sql }).then(
        () => 'answered',
        (error: Error) => error.message,
      )
      expect(said).toMatch(/⟪invalid input syntax/)
      expect(wrongWith(said), said.slice(0, 300)).toBeNull()
    }
  })
})
