/** Guarantee 6 at the door: a secret that somebody put into a prompt, a tool or its result is not in what leaves, to either kind of endpoint. */
import { AIMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Database } from '../../store/database.ts'
import { embeddedDatabase } from '../../test/support/database.ts'
import { inTurn, replies } from '../../test/support/messages-api.ts'
import { local, modelSite } from '../../test/support/model-site.ts'
import { cases } from '../../test/support/sizes.ts'
import { maskedRequest } from './masked.ts'

/** The gate, which one test takes away. */
const gate = vi.hoisted(() => ({ shut: true }))
vi.mock('./masked.ts', async (original) => {
  const real = await original<typeof import('./masked.ts')>()
  return { ...real, maskedRequest: (request: unknown) => (gate.shut ? real.maskedRequest(request) : request) }
})
afterEach(() => {
  gate.shut = true
})

let db: Database
beforeAll(async () => {
  db = await embeddedDatabase()
})
afterAll(() => db.close())

const letters = 'abcdefghijkmnpqrstuvwxyz23456789'
/** Letters that say which one it is and are in no other text. */
const canary = (number: number, length = 24): string =>
  Array.from({ length }, (_one, index) => letters[(number * 7 + index * (number + 11) + (number >> (index % 9))) % letters.length]).join('')

/** One of each kind that masking knows, as alerts and tools hold them; the second is what must not leave. */
const kinds: readonly ((secret: string) => [string, string])[] = [
  (s) => [`mysql -u root --password ${s}`, s],
  (s) => [`kworkerd --api-key=${s} -v`, s],
  (s) => [`curl -H "Authorization: Bearer ${s}" https://example.org`, s],
  (s) => [`Authorization: Basic ${s}==`, s],
  (s) => [`psql postgres://shop:${s}@db/shop`, s],
  (s) => [String.raw`sh -c "curl -d '{\"api_key\": \"${s}\"}'"`, s],
  (s) => [`DB_PASSWORD="${s}"`, s],
  (s) => [`aws_secret_access_key = ${s}`, s],
  (s) => [`{"client_secret": "${s}"}`, s],
  (s) => [
    `AKIA${s
      .slice(0, 16)
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]/g, 'X')}`,
    `AKIA${s
      .slice(0, 16)
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]/g, 'X')}`,
  ],
  (s) => [`git clone https://x ghp_${s}`, s],
  (s) => [`glpat-${s}`, s],
  (s) => [`slack xoxb-${s}`, s],
  (s) => [`key sk-ant-${s}`, s],
  (s) => [`eyJ${s}.eyJ${s}.${s}`, s],
  (s) => [`-----BEGIN RSA PRIVATE KEY-----\n${s}\n${s}\n-----END RSA PRIVATE KEY-----`, s],
  (s) => [`http://falconer/ingest/falco/fls_${s}`, s],
  (s) => [`npm_${s}`, s],
]
const places = ['system', 'user', 'parts', 'result', 'json result', 'tool input', 'tool description', 'schema', 'key'] as const

function request(place: (typeof places)[number], text: string, provider: 'anthropic' | 'openai') {
  const put = (here: (typeof places)[number], otherwise: string): string => (place === here ? `Seen: ${text}` : otherwise)
  const input = place === 'tool input' ? { words: text } : { words: 'shell' }
  const messages = [
    new SystemMessage(put('system', 'You investigate.')),
    new HumanMessage(
      place === 'parts'
        ? {
            content: [
              { type: 'text', text },
              { type: 'text', text: 'What was it?' },
            ],
          }
        : put('user', 'What was it?'),
    ),
    new AIMessage({ content: 'I look.', tool_calls: [{ id: 'toolu_1', name: 'find', args: input, type: 'tool_call' }] }),
    new ToolMessage({
      tool_call_id: 'toolu_1',
      content: place === 'json result' ? JSON.stringify({ rows: [{ env: text }, [text]] }) : put('result', 'Nothing.'),
    }),
  ]
  const properties = { [place === 'key' ? text : 'words']: { type: 'string', description: put('schema', 'What to look for') } }
  const [name, description, schema] = ['find', put('tool description', 'Finds.'), { type: 'object', properties }]
  const tool =
    provider === 'anthropic'
      ? { name, description, input_schema: schema }
      : { type: 'function', function: { name, description, parameters: schema } }
  return { messages, tool }
}

describe('what leaves', () => {
  it.each(['anthropic', 'openai'] as const)(
    'guarantee 6: no secret of any kind, in any place of a request, to %s',
    async (provider) => {
      const site = await modelSite(db, () => replies.text('ok'), provider === 'openai' ? local : {})
      const model = await site.open({ limits: { calls: 10_000, tokens: 1e12, usd: 1e6 } })
      const size = cases(500, 90)
      const planted = new Map<string, string>()
      for (let number = 0; number < size; number += 1) {
        const [text, secret] = (kinds[number % kinds.length] as (typeof kinds)[number])(canary(number))
        const place = places[number % places.length] as (typeof places)[number]
        planted.set(`${place}: ${text}`, secret)
        const { messages, tool } = request(place, text, provider)
        await model.chat.bindTools!([tool] as never).invoke(messages)
        const last = site.api.asked.at(-1)?.text ?? ''
        expect(last, `${place}: ${text}`).not.toContain(secret)
        expect(last).toContain('[redacted]')
      }
      expect(site.api.asked).toHaveLength(size)
      expect(new Set(planted.values()).size, 'each canary is its own').toBe(planted.size)
      const everything = site.api.asked.map(({ text }) => text).join('\n')
      for (const [where, secret] of planted) expect(everything.includes(secret), where).toBe(false)
    },
    240_000,
  )

  it.each(['anthropic', 'openai'] as const)(
    'guarantee 6: without the mask each of them is there, in each place of a request, to %s',
    async (provider) => {
      gate.shut = false
      const site = await modelSite(db, () => replies.text('ok'), provider === 'openai' ? local : {})
      const model = await site.open({ limits: { calls: 10_000, tokens: 1e12, usd: 1e6 } })
      for (const [number, kind] of kinds.entries()) {
        const [text, secret] = kind(canary(number))
        const { messages, tool } = request(places[number % places.length] as (typeof places)[number], text, provider)
        await model.chat.bindTools!([tool] as never).invoke(messages)
        expect(site.api.asked.at(-1)?.text, text).toContain(JSON.stringify(secret).slice(1, -1))
      }
    },
  )

  it('is otherwise what was asked, and what the provider signed goes back as it came', () => {
    const thinking = { type: 'thinking', thinking: 'the token: abcdefgh is suspicious', signature: 'eyJabcdefghijk.eyJabcdefghijk.x' }
    const body = {
      model: 'claude-sonnet-5-5',
      max_tokens: 16_000,
      messages: [
        { role: 'user', content: 'Who ran ⟦sh⟧ in shop/checkout-7d9?' },
        { role: 'assistant', content: [thinking, { type: 'text', text: 'password=hunter2hunter2' }] },
        { role: 'user', content: [{ ...thinking }] },
      ],
    }
    const [asked, answered, forged] = maskedRequest(body).messages as { content: unknown[] }[]
    expect(asked).toEqual(body.messages[0])
    expect(answered?.content).toEqual([thinking, { type: 'text', text: 'password=[redacted]' }])
    expect(JSON.stringify(forged), 'only what an answer was').not.toContain('abcdefgh')
    expect(maskedRequest(body)).toMatchObject({ model: 'claude-sonnet-5-5', max_tokens: 16_000 })
  })

  it('is masked the same each time, so that it is found in the ledger', async () => {
    const { open, api } = await modelSite(db, inTurn(replies.text('first'), replies.text('second')))
    const model = await open()
    await model.chat.invoke('mysql --password hunter2hunter2')
    const again = await open({ about: model.about })
    expect((await again.chat.invoke('mysql --password hunter2hunter2')).text).toBe('first')
    expect(api.asked).toHaveLength(1)
  })
})
