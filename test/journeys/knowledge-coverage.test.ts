/** What knowledge lacks is a gap in the coverage ledger, wherever it is shown, with its cause and what to do; and only while it lacks it. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { knowledgeSteps } from '../../apps/server/knowledge.ts'
import { connectHands } from '../../agent/hands.ts'
import { contextOf } from '../../apps/server/mcp-reader.ts'
import { search } from '../../knowledge/search.ts'
import { type Embedding, startEmbedding } from '../support/embedding.ts'
import { openSite, operator, type Site } from '../support/site.ts'

type Row = {
  kind: string
  name: string
  by: string
  records: number
  deadLetters: number
  gaps: { kind: string; since: string | null; says: string }[]
}

let home: string
let folder: string
let embedding: Embedding
let site: Site
let steps: ReturnType<typeof knowledgeSteps>
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'falconer-notes-'))
  folder = join(home, 'notes')
  mkdirSync(folder)
  writeFileSync(join(folder, 'ledger.md'), '# The ledger\nIts batch runs at night, as user 1000.')
  embedding = await startEmbedding()
  site = await openSite({ config: { FALCONER_NOTES: folder, FALCONER_EMBED_URL: embedding.url, FALCONER_EMBED_MODEL: 'small' } })
  steps = knowledgeSteps(site.falconer, new AbortController().signal)
}, 60_000)
afterAll(async () => {
  await site.close()
  await embedding.close()
  rmSync(home, { recursive: true, force: true })
})

const rows = async (): Promise<Map<string, Row>> => {
  const { covered } = (await (await site.ask('/api/v1/coverage', { as: site.people.viewer })).json()) as { covered: Row[] }
  return new Map(covered.filter(({ kind }) => kind === 'knowledge').map((one) => [one.name, one]))
}
const gapsOf = async (name: string): Promise<string[]> => ((await rows()).get(name)?.gaps ?? []).map(({ kind, says }) => `${kind} ${says}`)
const page = async (): Promise<string> => (await site.ask('/coverage', { as: site.people.viewer })).text()
/** As a server's loop does it that has just begun; failures are its to log. */
const embedAll = async (): Promise<void> => {
  const { embed } = knowledgeSteps(site.falconer, new AbortController().signal)
  for (let round = 0; round < 20; round += 1) await embed().catch(() => {})
}

it('has no gap while all is read and embedded', async () => {
  await steps.learn()
  await embedAll()
  const all = await rows()
  expect(all.get('notes')).toMatchObject({ by: folder, records: 1, deadLetters: 0, gaps: [] })
  expect(all.get('search by likeness')).toMatchObject({ by: 'openai small', gaps: [] })
  expect(all.get('search by likeness')?.records).toBeGreaterThan(100)
})

it('says which notes are refused and why, until they are mended', async () => {
  writeFileSync(join(folder, 'long.md'), 'x'.repeat(1024 * 1024 + 1))
  await steps.learn()
  expect(await gapsOf('notes')).toEqual([expect.stringMatching(/^unread 1 file is not searched: long\.md: it has 1048577 bytes/)])
  expect(await page()).toContain('long.md')
  rmSync(join(folder, 'long.md'))
  await steps.learn()
  expect(await gapsOf('notes')).toEqual([])
})

it('says since when the folder is unreadable, to models too, until it is there again', async () => {
  const readAt = site.clock.now().toISOString()
  site.clock.advance(60_000)
  renameSync(folder, `${folder}-away`)
  await steps.learn()
  site.clock.advance(60_000)
  await steps.learn()
  const [gap] = (await rows()).get('notes')?.gaps ?? []
  expect(gap).toMatchObject({
    kind: 'unread',
    since: readAt,
    says: expect.stringMatching(/ENOENT.*known as they were then\. Mount the folder/),
  })
  const context = contextOf(site.falconer, operator)
  const hands = await connectHands({ context, choice: {}, version: '1', failed: () => {} })
  expect((await hands.call('get_coverage', { kind: 'knowledge', onlyGaps: true })).text).toContain('ENOENT')
  await hands.close()
  renameSync(`${folder}-away`, folder)
  await steps.learn()
  expect(await gapsOf('notes')).toEqual([])
})

it('says that no server reads the notes any more', async () => {
  site.clock.advance(11 * 60_000)
  expect(await gapsOf('notes')).toEqual([expect.stringMatching(/^silent No server has read/)])
  await steps.learn()
  expect(await gapsOf('notes')).toEqual([])
})

it('says since when the embedder is down and what is not embedded, until it is', async () => {
  embedding.fault = 'down'
  writeFileSync(join(folder, 'new.md'), '# New\nNobody has embedded this.')
  await steps.learn()
  const since = site.clock.now().toISOString().slice(0, 19).replace('T', ' ')
  await embedAll()
  site.clock.advance(6 * 60_000)
  await embedAll()
  const [gap = ''] = await gapsOf('search by likeness')
  expect(gap).toMatch(
    new RegExp(`^behind It fails since ${since} UTC: The embedder at 127\\.0\\.0\\.1:\\d+ could not be reached\\. \\d+ of \\d+ pieces`),
  )
  expect(await page()).toContain('could not be reached')
  embedding.fault = 'none'
  site.clock.advance(30 * 60_000)
  await steps.learn()
  await embedAll()
  expect(await gapsOf('search by likeness')).toEqual([])
})

it('says that searches are not answered, until one is', async () => {
  const { db, meaning } = site.falconer
  const ask = () => search(db, { text: 'who runs the ledger batch', kinds: ['document'], limit: 3, meaning: meaning ?? undefined })
  embedding.fault = '500'
  const { hits, said } = await ask()
  expect([hits.map(({ id }) => id), said]).toEqual([['ledger.md'], expect.stringMatching(/by words alone/)])
  expect(await gapsOf('search by likeness')).toEqual([expect.stringMatching(/^behind It answers no search since .* answered 500/)])
  embedding.fault = 'none'
  site.clock.advance(16_000)
  await steps.embed()
  expect(await gapsOf('search by likeness')).toEqual([])
})
