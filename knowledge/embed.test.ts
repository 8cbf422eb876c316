import { sql } from 'kysely'
import { expect, it, vi } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import { UpstreamError } from '../domain/errors.ts'
import { Secret } from '../domain/redact.ts'
import { keepKnown, knowledgeKinds } from '../store/knowledge.ts'
import { claimChunks, embedderState, nearestChunks } from '../store/knowledge-vectors.ts'
import { newId } from '../domain/ids.ts'
import { eachDatabase } from '../test/support/database.ts'
import { embedSome } from './embed.ts'
import { type Embedder, embedderFrom } from './embedder.ts'
import { askKnowledge } from './find.ts'
import { lexical } from './lexical.ts'
import { Meaning } from './meaning.ts'
import { search } from './search.ts'
import { TextsRefused, ToldToWait } from './embed-call.ts'
import { startEmbedding } from '../test/support/embedding.ts'

const at = (time: string): FixedClock => new FixedClock(`2026-11-24T${time}Z`)
const clock = at('12:00:00')
const text = (name: string): { title: string; text: string } => ({ title: name, text: `${name} is written here` })
const documents = (names: readonly string[]) => names.map((ref) => ({ kind: 'document' as const, ref, pieces: [text(ref)] }))
const vector = (said: string): number[] => Array.from({ length: 8 }, (_each, place) => (said.charCodeAt(place) || 1) / 100)
let made = 0
/** Counts how often each text was sent. */
const counting = (over: Partial<Embedder> = {}): Embedder & { sent: Map<string, number> } => {
  const sent = new Map<string, number>()
  return {
    name: `counting ${(made += 1)}`,
    sent,
    embed: async (texts) => {
      for (const one of texts) sent.set(one, (sent.get(one) ?? 0) + 1)
      return texts.map(vector)
    },
    ...over,
  }
}
const config = (url: string, over: object = {}) => ({
  FALCONER_EMBED_URL: new Secret(url),
  FALCONER_EMBED_MODEL: 'small',
  FALCONER_EMBED_KEY: undefined,
  FALCONER_EMBED_PROVIDER: undefined,
  ...over,
})

eachDatabase('embedding', (database, kind) => {
  const names = Array.from({ length: 70 }, (_each, place) => `note-${String(place).padStart(2, '0')}`)
  const all = async (embedder: Embedder, by = clock) => {
    while (await embedSome(database(), by, embedder));
    return embedderState(database(), embedder.name)
  }

  it('sends each piece once, though two servers are at it', async () => {
    await keepKnown(database(), documents(names), clock.now())
    const embedder = counting()
    await Promise.all([all(embedder), all(embedder), all(embedder)])
    expect(await embedderState(database(), embedder.name)).toMatchObject({ done: 70, of: 70, dimensions: 8, error: null })
    expect([...embedder.sent.values()].every((times) => times === 1)).toBe(true)
    expect(embedder.sent.size).toBe(70)
    await keepKnown(database(), [{ kind: 'document', ref: 'note-03', pieces: [{ title: 'note-03', text: 'changed' }] }], clock.now())
    expect(await embedderState(database(), embedder.name)).toMatchObject({ done: 69 })
    await all(embedder)
    expect(embedder.sent.get('note-03\nchanged')).toBe(1)
    expect([...embedder.sent.values()].reduce((sum, one) => sum + one, 0)).toBe(71)
  })

  // The embedded database has one connection: nobody claims beside it.
  if (kind === 'server')
    it('claims nothing that another one has embedded between its look and its claim', async () => {
      const embedder = counting()
      const claim = (by: string) =>
        claimChunks(database(), embedder.name, { by, now: clock.now(), until: at('12:02:00').now(), limit: 100 })
      const [embedded, looked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const other = database().transaction(async (tx) => {
        await tx.query(sql`insert into knowledge_vectors (embedder, chunk_id, hash, vector)
          select ${embedder.name}, id, hash, '[1]'::vector from knowledge_chunks where ref <> 'note-69'`)
        embedded.resolve()
        await looked.promise
      })
      await embedded.promise
      const claiming = claim(newId())
      await vi.waitFor(async () => {
        const [row] = await database().query(sql<{ waiting: bigint }>`select count(*) as waiting from pg_stat_activity
          where datname = current_database() and wait_event = 'transactionid'`)
        expect(Number(row?.waiting)).toBe(1)
      })
      looked.resolve()
      await other
      expect((await claiming).map(({ title }) => title)).toEqual(['note-69'])
    })

  it('goes on where a server died, once its claim is over, and not before', async () => {
    const embedder = counting()
    await claimChunks(database(), embedder.name, { by: newId(), now: clock.now(), until: at('12:02:00').now(), limit: 32 })
    expect(await all(embedder)).toMatchObject({ done: 38 })
    expect(await all(embedder, at('12:02:01'))).toMatchObject({ done: 70 })
    expect(embedder.sent.size).toBe(70)
  })

  it('embeds anew for another embedder, and searches what is there meanwhile', async () => {
    const [first, second] = [counting(), counting()]
    await all(first)
    const meaning = new Meaning(second, clock)
    const ask = () => askKnowledge(database(), 'note-07 is written here', { kinds: knowledgeKinds, limit: 3, meaning })()
    expect(await ask()).toMatchObject({ said: expect.stringContaining('nothing is embedded yet') })
    await embedSome(database(), clock, second)
    expect((await ask()).said).toMatch(/only 32 of 70/)
    expect((await ask()).pieces[0]).toMatchObject({ ref: 'note-07' })
    await all(second)
    const sent = second.sent.size
    await search(database(), { text: 'only alerts are asked for', kinds: ['alert'], limit: 3, meaning })
    expect(second.sent.size).toBe(sent)
    await search(database(), { text: 'documents are asked for', kinds: ['document'], limit: 3, meaning })
    expect(second.sent.size).toBe(sent + 1)
    expect((await embedderState(database(), first.name)).done).toBe(70)
    // A day later nobody has used the first.
    await all(second, at('23:59:59'))
    await all(second, new FixedClock('2026-11-25T13:00:00Z'))
    expect((await embedderState(database(), first.name)).done).toBe(0)
  })

  it('waits after a failure, longer each time, or as long as it was told', async () => {
    let error: Error = new UpstreamError('It is down.', { retryable: true })
    const embedder = counting({ embed: async () => Promise.reject(error) })
    await expect(all(embedder)).rejects.toThrow('It is down.')
    expect(await embedderState(database(), embedder.name)).toMatchObject({
      failures: 1,
      error: 'It is down.',
      retryAt: at('12:00:05').now(),
    })
    expect(await embedSome(database(), at('12:00:04'), embedder)).toBe(false)
    await expect(all(embedder, at('12:00:06'))).rejects.toThrow()
    expect(await embedderState(database(), embedder.name)).toMatchObject({ failures: 2, retryAt: at('12:00:16').now() })
    error = new ToldToWait('429', 90_000)
    await expect(all(embedder, at('12:01:00'))).rejects.toThrow()
    expect((await embedderState(database(), embedder.name)).retryAt).toEqual(at('12:02:30').now())
    expect(await all({ ...counting(), name: embedder.name }, at('12:03:00'))).toMatchObject({ done: 70, failures: 0, error: null })
  })

  it('lets one text that is refused keep back no other', async () => {
    const embedder = counting()
    const good = embedder.embed
    embedder.embed = async (texts, use) =>
      texts.some((one) => one.startsWith('note-40')) ? Promise.reject(new TextsRefused('400', { retryable: false })) : good(texts, use)
    expect(await all(embedder)).toMatchObject({ done: 69, refused: 1, of: 70, error: null })
    expect(await embedSome(database(), clock, embedder)).toBe(false)
  })

  it('sends what a refused text became while it was being refused', async () => {
    const embedder = counting()
    const good = embedder.embed
    embedder.embed = async (texts, use) => {
      if (!texts.some((one) => one === 'note-41\nnote-41 is written here')) return good(texts, use)
      if (texts.length === 1)
        await keepKnown(database(), [{ kind: 'document', ref: 'note-41', pieces: [{ title: 'note-41', text: 'shorter' }] }], clock.now())
      throw new TextsRefused('400', { retryable: false })
    }
    expect(await all(embedder)).toMatchObject({ done: 70, refused: 0, of: 70 })
    expect(embedder.sent.get('note-41\nshorter')).toBe(1)
  })

  it('keeps nothing of another length than before, and says so', async () => {
    const embedder = counting()
    await embedSome(database(), clock, embedder)
    embedder.embed = async (texts) => texts.map((one) => [...vector(one), 1])
    await expect(all(embedder)).rejects.toThrow(/9 numbers, and before of 8/)
    expect(await embedderState(database(), embedder.name)).toMatchObject({
      done: 32,
      error: expect.stringContaining('FALCONER_EMBED_MODEL'),
    })
    const answer = await askKnowledge(database(), 'note-07', { kinds: knowledgeKinds, limit: 3, meaning: new Meaning(embedder, clock) })()
    expect(answer.said).toMatch(/by words alone: the embedder answers vectors of 9/)
    expect(answer.pieces[0]).toMatchObject({ ref: 'note-07', by: 'words' })
    expect(await nearestChunks(database(), embedder.name, [1, 2, 3], { kinds: knowledgeKinds, limit: 3 })).toEqual([])
  })

  it('falls back to words when the embedder is down, slow, or answers nonsense, and says so', async () => {
    const server = await startEmbedding()
    const embedder = embedderFrom(config(server.url)) as Embedder
    await all(embedder)
    for (const [fault, says] of [
      ['down', /could not be reached/],
      ['500', /answered 500/],
      ['429', /left alone/],
      ['cut', /could not be reached|JSON/],
      ['nonsense', /no vectors/],
      ['few', /0 vectors for 1 texts/],
      ['nan', /something else than numbers/],
      ['zero', /of nothing/],
      ['huge', /more than 16 MB/],
      ['moved', /could not be reached/],
    ] as const) {
      server.fault = fault
      const answer = await askKnowledge(database(), 'note-07 is', {
        kinds: knowledgeKinds,
        limit: 3,
        meaning: new Meaning(embedder, clock),
      })()
      expect([fault, answer.said]).toEqual([fault, expect.stringMatching(says)])
      expect(answer.pieces[0]).toMatchObject({ ref: 'note-07' })
    }
    server.fault = 'slow'
    const from = performance.now()
    const meaning = new Meaning(embedder, clock)
    const ask = (said: string) => askKnowledge(database(), said, { kinds: knowledgeKinds, limit: 3, meaning })()
    expect((await ask('note-07')).said).toMatch(/did not answer within 2 s/)
    // The next one does not wait for it.
    expect((await ask('note-08')).said).toMatch(/did not answer/)
    expect(performance.now() - from).toBeLessThan(4_000)
    await server.close()
  })
})

it('speaks as each provider does, masks secrets, and keeps the order', async () => {
  const server = await startEmbedding()
  for (const [path, provider] of [
    ['/v1', undefined],
    ['/v1', 'voyage'],
    ['', 'ollama'],
  ] as const) {
    const embedder = embedderFrom(
      config(`${server.origin}${path}`, { FALCONER_EMBED_PROVIDER: provider, FALCONER_EMBED_KEY: new Secret('key-1') }),
    ) as Embedder
    const vectors = await embedder.embed(['first', 'second password=hunter22'], 'query')
    expect(vectors.map(([length]) => length)).toEqual(['first'.length, 'second password=[redacted]'.length])
    expect(server.last.body).not.toContain('hunter22')
    expect(server.last.authorization).toBe('Bearer key-1')
    expect(server.last.path).toBe(provider === 'ollama' ? '/api/embed' : '/v1/embeddings')
    if (provider === 'voyage') expect(JSON.parse(server.last.body)).toMatchObject({ input_type: 'query' })
  }
  await server.close()
  expect(embedderFrom({ ...config('http://x'), FALCONER_EMBED_URL: undefined, FALCONER_EMBED_MODEL: undefined })).toBe(lexical)
  expect(embedderFrom(config('http://x', { FALCONER_EMBED_PROVIDER: 'none' }))).toBe(null)
  expect(() => embedderFrom(config('http://x', { FALCONER_EMBED_MODEL: undefined }))).toThrow(/belong together/)
  expect(embedderFrom(config('https://api.voyageai.com/v1'))?.name).toBe('voyage small')
  expect(embedderFrom(config('http://127.0.0.1:11434'))?.name).toBe('ollama small')
  expect(embedderFrom(config('http://127.0.0.1:11434/v1'))?.name).toBe('openai small')
})
