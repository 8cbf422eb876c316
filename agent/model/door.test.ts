/** The door to a model: what passes it is counted, written down, and paid once; what is cut, silent or endless ends in an error that says so. */
import { AIMessage, HumanMessage } from '@langchain/core/messages'
import { expect, it } from 'vitest'
import { callsOf } from '../../store/model-calls.ts'
import { eachDatabase } from '../../test/support/database.ts'
import { inTurn, replies, type Reply } from '../../test/support/messages-api.ts'
import { modelSite } from '../../test/support/model-site.ts'

eachDatabase('the door to a model', (database) => {
  it('asks, and the ledger has the call with what it cost', async () => {
    const usage = { input_tokens: 1_000, output_tokens: 200, cache_read_input_tokens: 5_000, cache_creation_input_tokens: 400 }
    const { open, api } = await modelSite(database(), () => replies.text('It was a shell.', usage))
    const model = await open()
    const answer = await model.chat.invoke('What was it?')
    expect(answer.text).toBe('It was a shell.')
    expect(api.asked).toHaveLength(1)
    const usd = (1_000 * 2 + 5_000 * 0.1 + 400 * 2.5 + 200 * 10) / 1_000_000
    const spend = { calls: 1, inputTokens: 1_000, cacheReadTokens: 5_000, cacheWriteTokens: 400, outputTokens: 200, ms: expect.any(Number) }
    expect(model.spent()).toEqual({ ...spend, usd: expect.closeTo(usd, 10) })
    const [call, ...more] = await callsOf(database(), model.about)
    expect(more).toEqual([])
    expect(call).toMatchObject({ use: 'investigation', provider: 'anthropic', model: 'claude-sonnet-5-5', status: 200, error: null })
    expect(call?.cost.usd).toBeCloseTo(usd, 10)
    expect(call?.finishedAt).not.toBeNull()
  })

  it('streams, and counts what the stream says at its end', async () => {
    const { open } = await modelSite(database(), () =>
      replies.text('One two three four five six seven.', { input_tokens: 77, output_tokens: 11 }),
    )
    const model = await open()
    const parts: string[] = []
    for await (const part of await model.chat.stream('Count.')) parts.push(part.text)
    expect(parts.filter((part) => part !== '').length).toBeGreaterThan(1)
    expect(parts.join('')).toBe('One two three four five six seven.')
    expect(model.spent()).toMatchObject({ calls: 1, inputTokens: 77, outputTokens: 11 })
    expect((await callsOf(database(), model.about))[0]).toMatchObject({ status: 200, error: null })
  })

  it('answers the same request of the same work from the ledger, for nothing', async () => {
    const { open, api } = await modelSite(database(), inTurn(replies.text('first'), replies.text('second'), replies.text('third')))
    const before = await open()
    expect((await before.chat.invoke('Why?')).text).toBe('first')
    const after = await open({ about: before.about })
    expect((await after.chat.invoke('Why?')).text).toBe('first')
    expect(after.spent()).toEqual(before.spent())
    expect((await after.chat.invoke('Why?')).text, 'asked again on purpose').toBe('second')
    const other = await open()
    expect((await other.chat.invoke('Why?')).text, 'of other work').toBe('third')
    expect(api.asked).toHaveLength(3)
  })

  it('has several tools called at once, and native structured output', async () => {
    const { open, api } = await modelSite(
      database(),
      inTurn(
        replies.tools([
          { name: 'get_incident', input: { id: 'inc-1' } },
          { name: 'find', input: { words: 'shell' } },
        ]),
        replies.structured({ verdict: 'benign' }),
      ),
    )
    const { chat } = await open()
    const tool = (name: string) => ({ name, description: name, input_schema: { type: 'object', properties: {} } })
    const answer = await chat.bindTools!([tool('get_incident'), tool('find')] as never).invoke([new HumanMessage('Look.')])
    expect((answer as { tool_calls: { name: string; args: unknown }[] }).tool_calls.map(({ name, args }) => [name, args])).toEqual([
      ['get_incident', { id: 'inc-1' }],
      ['find', { words: 'shell' }],
    ])
    const schema = { type: 'object', properties: { verdict: { type: 'string' } }, required: ['verdict'], additionalProperties: false }
    expect(await chat.withStructuredOutput(schema, { method: 'jsonSchema' }).invoke('Verdict?')).toEqual({ verdict: 'benign' })
    expect(api.asked[1]?.body.output_config).toMatchObject({ format: { type: 'json_schema' } })
    for (const { body } of api.asked)
      expect(Object.keys(body)).not.toEqual(expect.arrayContaining([expect.stringMatching(/temperature|top_p|top_k/)]))
  })

  it('is no way round what Claude refuses: a tool that is forced, sampling', async () => {
    const { open } = await modelSite(database())
    const { chat } = await open()
    const schema = { title: 'verdict', type: 'object', properties: {}, additionalProperties: false }
    await expect(chat.withStructuredOutput(schema, { method: 'functionCalling' }).invoke('Verdict?')).rejects.toThrow('answered 400')
    await expect(chat.invoke([new AIMessage('I begin.')])).rejects.toThrow('answered 400')
  })

  it('holds back nothing of a stream: what was said is heard before the rest is', async () => {
    const { open } = await modelSite(
      database(),
      () => ({ ...(replies.text('one two three four five six seven eight nine ten') as object), pauseMs: 100 }) as Reply,
    )
    const model = await open()
    const began = performance.now()
    let first = 0
    for await (const part of await model.chat.stream('Count.')) if (part.text !== '' && first === 0) first = performance.now() - began
    const all = performance.now() - began
    expect(all).toBeGreaterThan(900)
    expect(all - first).toBeGreaterThan(400)
  })

  it('lets no answer in that is longer than memory should hold', async () => {
    const { open } = await modelSite(database(), () => ({
      kind: 'raw',
      body: JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(9 * 1_024 * 1_024) }] }),
    }))
    const model = await open()
    await expect(model.chat.invoke('Why?')).rejects.toThrow('longer than')
    expect(await callsOf(database(), model.about)).toMatchObject([{ error: expect.stringContaining('longer than'), answer: null }])
  })
})
