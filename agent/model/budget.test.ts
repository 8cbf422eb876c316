/** Budgets: each kind stops the asking where it should, says which it was, and the call that would pass it is never made. Over all: the month's cap. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { beforeEach, expect, it } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import { tidyAnalysts } from '../../store/analyst-upkeep.ts'
import { beginCall, callsOf, endCall } from '../../store/model-calls.ts'
import { type Month, monthOf, spendIn } from '../../store/spend.ts'
import { eachDatabase } from '../../test/support/database.ts'
import { replies, type Script } from '../../test/support/messages-api.ts'
import { local, modelSite } from '../../test/support/model-site.ts'
import { BudgetSpent, type Limits } from './model.ts'

/** Never stops: each answer asks for another tool. */
const endless: Script = () => replies.tools([{ name: 'find', input: { words: 'more' } }], '', { input_tokens: 1_000, output_tokens: 100 })
const costOfOne = (1_000 * 2 + 100 * 10) / 1_000_000

eachDatabase('the budget of a model', (database) => {
  beforeEach(async () => void (await database().query(sql`delete from model_calls`)))

  /** Asks on and on, as an agent would; answers what stopped it. */
  async function askOn(limits: Partial<Limits>, script = endless, settings = {}) {
    const { open, api } = await modelSite(database(), script, settings)
    const model = await open({ limits })
    for (let turn = 0; turn < 100; turn += 1) {
      try {
        await model.chat.invoke(`Turn ${turn}`)
      } catch (error) {
        return { error: error as BudgetSpent, made: api.asked.length, spent: model.spent(), about: model.about }
      }
    }
    return expect.fail('it never stopped')
  }

  it.each<[keyof Limits, Partial<Limits>, number]>([
    ['calls', { calls: 7 }, 7],
    ['tokens', { tokens: 3_300 }, 3],
    ['usd', { usd: 4.5 * costOfOne }, 5],
  ])('of %s ends it', async (what, limits, calls) => {
    const { error, made, spent, about } = await askOn(limits)
    expect(error).toBeInstanceOf(BudgetSpent)
    expect([error.what, error.code]).toEqual([what, 'budget'])
    expect(error.message).toContain(String(limits[what]))
    expect(made).toBe(calls)
    expect(spent.calls).toBe(calls)
    expect(await callsOf(database(), about)).toHaveLength(calls)
  })

  it('of seconds ends it, also while a call is waited for', async () => {
    const slow: Script = async () => {
      await new Promise((resolve) => setTimeout(resolve, 150))
      return endless({} as never)
    }
    const began = performance.now()
    const { error, made, spent } = await askOn({ seconds: 0.5 }, slow)
    expect(error.what).toBe('seconds')
    expect(performance.now() - began).toBeLessThan(2_500)
    expect(made).toBeLessThanOrEqual(5)
    expect(spent.ms).toBeLessThan(700)
  })

  it('goes on after a crash where it was', async () => {
    const { open, api } = await modelSite(database(), endless)
    const first = await open({ limits: { calls: 3 } })
    await first.chat.invoke('one')
    await first.chat.invoke('two')
    const second = await open({ about: first.about, limits: { calls: 3 } })
    expect(second.spent()).toEqual(first.spent())
    await second.chat.invoke('one')
    await second.chat.invoke('two')
    await second.chat.invoke('three')
    await expect(second.chat.invoke('four')).rejects.toThrow(BudgetSpent)
    expect(api.asked).toHaveLength(3)
    const question = await open({ use: 'chat', about: first.about, limits: { calls: 3 } })
    expect(question.spent().calls, 'each question in a thread has its own').toBe(0)
  })

  it('of a month holds for all, in calendar months, and says so before anything is asked', async () => {
    const clock = new FixedClock('2026-11-30T23:59:59Z')
    const { open, api, models } = await modelSite(database(), endless, { FALCONER_MODEL_USD_MONTH: String(1.5 * costOfOne) }, { clock })
    await (await open()).chat.invoke('one')
    const model = await open()
    await model.chat.invoke('two')
    await expect(model.chat.invoke('three')).rejects.toMatchObject({ what: 'month' })
    await expect(models.open('triage', randomUUID(), { signal: new AbortController().signal })).rejects.toMatchObject({
      what: 'month',
      message: expect.stringContaining('FALCONER_MODEL_USD_MONTH'),
    })
    expect(api.asked).toHaveLength(2)
    clock.advance(1_000)
    await (await open()).chat.invoke('December')
    expect(api.asked).toHaveLength(3)
    const uses = async (name: string) => (await spendIn(database(), monthOf(name) as Month, { limit: 1 })).uses
    const use = { provider: 'anthropic', model: 'claude-sonnet-5-5', use: 'investigation' }
    expect(await uses('2026-11')).toMatchObject([{ ...use, calls: 2, inputTokens: 2_000, outputTokens: 200 }])
    expect(await uses('2026-12')).toMatchObject([{ ...use, calls: 1, inputTokens: 1_000, outputTokens: 100 }])
  })

  it('of a model whose prices are not known is of calls, tokens and seconds; its cost is null, never nothing', async () => {
    const { open } = await modelSite(database(), endless, local)
    const model = await open({ limits: { usd: 0.000_001, calls: 2 } })
    await model.chat.invoke('one')
    await model.chat.invoke('two')
    await expect(model.chat.invoke('three')).rejects.toMatchObject({ what: 'calls' })
    expect(model.spent()).toMatchObject({ usd: null, calls: 2, inputTokens: 2_000, outputTokens: 200 })
  })

  it('counts a call that a crash left unfinished', async () => {
    const about = randomUUID()
    const call = { about, use: 'investigation', provider: 'anthropic', model: 'claude-sonnet-5-5', requestHash: Buffer.alloc(32) }
    await beginCall(database(), call, new Date())
    const { open } = await modelSite(database(), endless)
    expect((await open({ about })).spent()).toMatchObject({ calls: 1, usd: 0 })
  })

  it('keeps what was paid when retention takes the answers', async () => {
    const about = randomUUID()
    const cost = { inputTokens: 1, cacheReadTokens: 2, cacheWriteTokens: 3, outputTokens: 4, usd: 0.5, ms: 6 }
    const call = { about, use: 'chat', provider: 'openai', model: 'm', requestHash: Buffer.from('hash') }
    const id = await beginCall(database(), call, new Date('2026-01-01'))
    await endCall(database(), id, { status: 200, cost, answer: Buffer.from('words'), error: null }, new Date('2026-01-01'))
    await tidyAnalysts(database(), { over: new Date('2026-02-01'), old: new Date('2026-02-01') })
    expect(await callsOf(database(), about)).toMatchObject([{ ...call, cost, answer: null, status: 200 }])
  })
})
