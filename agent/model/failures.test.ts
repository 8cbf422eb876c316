/** A model that fails: tried again a small and exact number of times, each counted and written down; then an error that says what happened, in time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UpstreamError } from '../../domain/errors.ts'
import type { Database } from '../../store/database.ts'
import { callsOf } from '../../store/model-calls.ts'
import { embeddedDatabase } from '../../test/support/database.ts'
import { inTurn, replies, type Reply } from '../../test/support/messages-api.ts'
import { local, modelSite } from '../../test/support/model-site.ts'
import { BudgetSpent } from './model.ts'

let db: Database
beforeAll(async () => {
  db = await embeddedDatabase()
})
afterAll(() => db.close())

const errorOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.fail('it did not fail'),
    (error: unknown) => error,
  )
const drained = async (stream: Promise<AsyncIterable<{ text: string }>>): Promise<string> => {
  let text = ''
  for await (const part of await stream) text += part.text
  return text
}
/** Both kinds of endpoint, by the same script. */
describe.each(['anthropic', 'openai'] as const)('a failing model behind %s', (provider) => {
  const site = (...given: Reply[]) => modelSite(db, inTurn(...given), provider === 'openai' ? local : {})

  it.each([
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [529, 'overloaded_error'],
  ])('that always answers %i is called three times, in time, whole or as a stream', async (status, type) => {
    for (const streams of [false, true]) {
      const { open, api } = await site(replies.status(status, type))
      const model = await open()
      const began = performance.now()
      const error = await errorOf(streams ? drained(model.chat.stream('Why?')) : model.chat.invoke('Why?'))
      expect(error).toBeInstanceOf(UpstreamError)
      expect((error as UpstreamError).message).toContain(`answered ${status}`)
      expect((error as UpstreamError).retryable).toBe(true)
      expect(performance.now() - began).toBeLessThan(5_000)
      expect(api.asked).toHaveLength(3)
      expect(model.spent().calls).toBe(3)
      const calls = await callsOf(db, model.about)
      expect(calls.map((call) => [call.status, call.error])).toEqual(
        Array.from({ length: 3 }, () => [status, `answered ${status} (${type})`]),
      )
    }
  })

  it.each([400, 401, 403, 404, 413])('that answers %i is called once', async (status) => {
    const { open, api } = await site(replies.status(status))
    const error = await errorOf((await open()).chat.invoke('Why?'))
    expect(error).toBeInstanceOf(UpstreamError)
    expect((error as UpstreamError).retryable).toBe(false)
    expect(api.asked).toHaveLength(1)
  })

  it('is tried again after the wait it asks for, and no longer than half a minute', async () => {
    const { open, api } = await site(replies.rateLimited('1'), replies.text('now'))
    expect((await (await open()).chat.invoke('Why?')).text).toBe('now')
    expect((api.asked[1]?.at ?? 0) - (api.asked[0]?.at ?? 0)).toBeGreaterThan(950)
    api.answer(() => replies.rateLimited('3600'))
    const began = performance.now()
    expect(await errorOf((await open()).chat.invoke('Why?'))).toBeInstanceOf(UpstreamError)
    expect(performance.now() - began).toBeLessThan(900)
    expect(api.asked).toHaveLength(3)
  })

  it('each try counts against the budget of calls', async () => {
    const { open, api } = await site(replies.overloaded())
    const model = await open({ limits: { calls: 2 } })
    const error = await errorOf(model.chat.invoke('Why?'))
    expect(error).toBeInstanceOf(BudgetSpent)
    expect((error as BudgetSpent).what).toBe('calls')
    expect(api.asked).toHaveLength(2)
  })

  it('that hangs, or falls silent within a stream, is given up when the time is up', async () => {
    const { open, api } = await site(replies.hang())
    for (const streams of [false, true]) {
      const model = await open({ limits: { seconds: 0.5 } })
      const began = performance.now()
      const error = await errorOf(streams ? drained(model.chat.stream('Why?')) : model.chat.invoke('Why?'))
      expect(error).toBeInstanceOf(BudgetSpent)
      expect((error as BudgetSpent).what).toBe('seconds')
      expect(performance.now() - began).toBeLessThan(2_000)
      expect(await callsOf(db, model.about)).toMatchObject([{ status: null, error: expect.stringContaining('0.5 seconds') }])
    }
    expect(api.asked).toHaveLength(2)
  })

  it('whose stream is cut gives an error, never half an answer as if it were one', async () => {
    const { open, api } = await site(replies.cut('This sentence is never said to its end, whatever happens.', 4))
    const model = await open()
    const error = await errorOf(drained(model.chat.stream('Why?')))
    expect(error).toBeInstanceOf(UpstreamError)
    expect((error as Error).message).toContain('cut before its end')
    expect(await callsOf(db, model.about)).toMatchObject([{ status: 200, error: expect.stringContaining('cut'), answer: null }])
    expect(api.asked).toHaveLength(1)
    const again = await open({ about: model.about })
    api.answer(() => replies.text('whole'))
    expect(await drained(again.chat.stream('Why?')), 'what was cut answers nothing later').toBe('whole')
  })

  it('whose document is cut, or is not JSON, gives an error', async () => {
    const { open } = await site(replies.cut(), replies.notJson())
    for (const says of ['cut', 'not JSON']) {
      const model = await open()
      const error = await errorOf(model.chat.invoke('Why?'))
      expect(error).toBeInstanceOf(UpstreamError)
      expect((error as Error).message).toMatch(/cut before its end|not JSON/)
      const calls = await callsOf(db, model.about)
      expect(calls.length).toBeLessThanOrEqual(3)
      expect(
        calls.every((call) => call.error !== null && call.answer === null),
        says,
      ).toBe(true)
    }
  })

  it('that fails within a stream says so', async () => {
    const { open } = await site(replies.streamError())
    const model = await open()
    expect(await errorOf(drained(model.chat.stream('Why?')))).toBeInstanceOf(UpstreamError)
    expect(await callsOf(db, model.about)).toMatchObject([{ error: expect.stringContaining('overloaded_error') }])
  })

  it('that nobody can reach is tried three times', async () => {
    const { open, api } = await site(replies.reset())
    const model = await open()
    const error = await errorOf(model.chat.invoke('Why?'))
    expect(error).toBeInstanceOf(UpstreamError)
    expect((error as Error).message).toContain('cannot be reached')
    expect(api.asked).toHaveLength(3)
    expect((await callsOf(db, model.about)).every((call) => call.error?.startsWith('not reached: '))).toBe(true)
  })

  it('whose failure never ends is read at its beginning', async () => {
    let told = 0
    const wire = async () =>
      new Response(new ReadableStream({ pull: (one) => ((told += 4_096), one.enqueue(Buffer.alloc(4_096, 'x'))) }), { status: 400 })
    const { open } = await modelSite(db, undefined, provider === 'openai' ? local : {}, { wire })
    const model = await open({ limits: { seconds: 5 } })
    expect(await errorOf(model.chat.invoke('Why?'))).toBeInstanceOf(UpstreamError)
    expect(told).toBeLessThan(128 * 1_024)
    expect(await callsOf(db, model.about)).toMatchObject([{ status: 400, error: 'answered 400' }])
  })

  it('is left when whoever asks breaks off, before and within an answer', async () => {
    const { open, api } = await site(replies.hang())
    const leave = new AbortController()
    const model = await open({ signal: leave.signal })
    const work = errorOf(model.chat.invoke('Why?'))
    setTimeout(() => leave.abort(), 200)
    await work
    expect(await callsOf(db, model.about)).toMatchObject([{ status: null, error: 'broken off by whoever asked' }])
    api.answer(() => ({
      kind: 'message',
      content: [{ type: 'text', text: 'slowly, and for a long time, one word after the other' }],
      stop: 'end_turn',
      pauseMs: 50,
    }))
    const second = await open()
    for await (const part of await second.chat.stream('Why?')) if (part.text !== '') break
    await expect.poll(async () => (await callsOf(db, second.about))[0]?.finishedAt ?? null).not.toBeNull()
    if (provider === 'anthropic')
      expect(await callsOf(db, second.about)).toMatchObject([{ status: 200, error: 'broken off by whoever asked' }])
  })
})
