import { beforeEach, expect, it } from 'vitest'
import { sql } from 'kysely'
import { eachDatabase } from '../test/support/database.ts'
import { forgetHeard, heardWaiting, keepHeard, keepHolding, noteHeardBegun, postponeHeard, releaseHeard, takeHeard } from './slack-heard.ts'

const one = '00000000-0000-7000-8000-000000000001'
const other = '00000000-0000-7000-8000-000000000002'
const start = Date.parse('2026-11-24T12:00:00Z')
const at = (seconds: number): Date => new Date(start + seconds * 1_000)

eachDatabase('questions that are kept', (database) => {
  beforeEach(async () => {
    await database().query(sql`truncate slack_heard, slack_seen`)
  })
  const keep = (event: string, thread: string): Promise<void> =>
    keepHeard(database(), { event, channel: 'C1', thread, body: { text: `${event} \0 <!channel>` } }, at(0))
  const take = async (by: string, seconds: number, until = seconds + 60) =>
    takeHeard(database(), { by, now: at(seconds), until: at(until) })
  const text = (heard: Awaited<ReturnType<typeof take>>): string => String(heard?.body.text).slice(0, 2)

  it('are kept once, whatever Slack sends again, and also after they were answered', async () => {
    await Promise.all([keep('e1', 't1'), keep('e1', 't1'), keep('e2', 't2')])
    expect((await heardWaiting(database())).waiting).toBe(2)
    const heard = await take(one, 1)
    expect(heard?.body).toEqual({ text: `${text(heard)} \0 <!channel>` })
    await forgetHeard(database(), heard?.id ?? '')
    await keep(text(heard), 't1')
    expect((await heardWaiting(database())).waiting).toBe(1)
  })

  it('are one server’s each, until it does not hold them any more', async () => {
    for (let index = 0; index < 6; index += 1) await keep(`e${index}`, `t${index}`)
    const taken = await Promise.all([one, other, one, other, one, other, one].map((by) => take(by, 0)))
    const ids = taken.flatMap((heard) => heard?.id ?? [])
    expect(new Set(ids).size).toBe(ids.length)
    while ((await take(other, 0)) !== undefined);
    const [kept = '', lapsed = ''] = taken.map((heard) => heard?.id)
    await keepHolding(database(), kept, { by: one, until: at(120) })
    await keepHolding(database(), lapsed, { by: one, until: at(120) })
    expect(await take(other, 59)).toBeUndefined()
    // What its server holds on to is not taken; what another says it holds is.
    const again: string[] = []
    for (let heard = await take(other, 61); heard !== undefined; heard = await take(other, 61)) again.push(heard.id)
    expect(again).not.toContain(kept)
    expect(again).toHaveLength(5)
    await releaseHeard(database())
    expect(await take(one, 61)).toBeDefined()
  })

  it('begin one after another in a thread, in the order they came; other threads need not wait', async () => {
    for (const [event, thread] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
    ] as const)
      await keep(event, thread)
    const first = await take(one, 0)
    expect(text(first)).toBe('a1')
    expect(text(await take(other, 0))).toBe('b1')
    expect(await take(other, 0)).toBeUndefined()
    // Slack was away.
    await postponeHeard(database(), first?.id ?? '', { error: 'it cannot be reached', nextAt: at(30) })
    expect(await take(other, 29)).toBeUndefined()
    expect(await heardWaiting(database())).toEqual({ waiting: 3, since: at(0), error: 'it cannot be reached' })
    expect(text(await take(other, 30))).toBe('a1')
    await noteHeardBegun(database(), first?.id ?? '')
    expect(text(await take(one, 30))).toBe('a2')
  })
})
