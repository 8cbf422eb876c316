import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { FixedClock } from '../domain/clock.ts'
import type { Verdict } from '../domain/report.ts'
import { newId } from '../domain/ids.ts'
import { recordDecision } from '../store/decisions.ts'
import { saveIncidents } from '../store/incidents.ts'
import { chunksByWords, keepKnown, knowledgeKinds, knownCounts } from '../store/knowledge.ts'
import { eachDatabase } from '../test/support/database.ts'
import { noon } from '../test/support/records.ts'
import { longest, piecesOf } from './chunks.ts'
import { learn, learnRunbooks } from './learn.ts'
import { readNotes } from './notes.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')

it('cuts a text by its headings, and what is long by its paragraphs, losing no word', () => {
  const long = Array.from({ length: 60 }, (_each, at) => `Sentence ${at} says something of its own.`).join(' ')
  const pieces = piecesOf(
    'Book',
    `Before.\n# One\nFirst.\n## Two\n${long}\n\`\`\`sh\n# no heading\n\`\`\`\n# Three\n\n## Four\n${'x'.repeat(5_000)}😀`,
  )
  expect(pieces[0]).toEqual({ title: 'Book', text: 'Before.' })
  expect(pieces.map(({ title }) => title)).toEqual(expect.arrayContaining(['Book › One', 'Book › One › Two', 'Book › Three › Four']))
  expect(pieces.some(({ title }) => title.includes('no heading'))).toBe(false)
  expect(Math.max(...pieces.map(({ text }) => text.length))).toBeLessThanOrEqual(longest)
  for (let at = 0; at < 60; at += 1) expect(pieces.some(({ text }) => text.includes(`Sentence ${at} `))).toBe(true)
  expect(pieces.map(({ text }) => text).join('')).toContain('😀')
  expect(piecesOf('Nothing', '')).toEqual([])
})

it('takes so many pieces of notes that all can be looked at, and says what it leaves out', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-notes-'))
  const long = Array.from({ length: 400 }, (_each, part) => `# Part ${part}\nIt says something.`).join('\n')
  for (let file = 10; file < 61; file += 1) await writeFile(join(folder, `${file}.md`), long)
  const { known, refused } = await readNotes(folder)
  expect(known.flatMap(({ pieces }) => pieces)).toHaveLength(20_000)
  expect(refused).toEqual([{ path: '60.md', why: 'there are more than 20000 pieces' }])
  await rm(folder, { recursive: true, force: true })
})

eachDatabase('knowledge', (database) => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'falconer-notes-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const found = async (text: string) => (await chunksByWords(database(), text, knowledgeKinds, 5)).map(({ kind, ref }) => `${kind} ${ref}`)

  it('learns runbooks once, and writes only what changed', async () => {
    await learnRunbooks(database(), clock)
    const { runbook } = await knownCounts(database())
    expect(runbook).toBeGreaterThan(100)
    await learnRunbooks(database(), clock)
    expect((await knownCounts(database())).runbook).toBe(runbook)
    expect((await found('a module was loaded into the kernel'))[0]).toBe('runbook kernel-module')
    const one = {
      kind: 'document',
      ref: 'a',
      pieces: [
        { title: 'A', text: 'one' },
        { title: 'A', text: 'two' },
      ],
    } as const
    expect(await keepKnown(database(), [one], clock.now())).toBe(2)
    expect(await keepKnown(database(), [one], clock.now())).toBe(0)
    expect(await keepKnown(database(), [{ ...one, pieces: one.pieces.slice(0, 1) }], clock.now())).toBe(1)
    expect(await keepKnown(database(), [{ ...one, pieces: [] }], clock.now())).toBe(1)
  })

  it('reads a folder of notes as it is now, and forgets nothing because a folder is not there', async () => {
    await mkdir(join(folder, 'team'))
    await writeFile(join(folder, 'team/rota.md'), '# Rota\nWendeline is on call in odd weeks.\0')
    await writeFile(join(folder, 'gone.md'), 'Platypus duty')
    await writeFile(join(folder, 'no.txt'), 'Echidna')
    await symlink('/etc', join(folder, 'out'))
    await symlink('/etc/hostname', join(folder, 'host.md'))
    await symlink(join(folder, 'team/rota.md'), join(folder, 'linked.md'))
    await writeFile(join(folder, 'huge.md'), 'x'.repeat(1024 * 1024 + 1))
    const refused = await learn(database(), clock, { notes: folder })
    expect(refused.map(({ path }) => path).sort()).toEqual(['host.md', 'huge.md'])
    expect((await found('wendeline')).sort()).toEqual(['document linked.md', 'document team/rota.md'])
    expect(await found('echidna')).toEqual([])
    await rm(join(folder, 'gone.md'))
    await learn(database(), clock, { notes: folder })
    expect(await found('platypus')).toEqual([])
    expect(await learn(database(), clock, { notes: join(folder, 'never') })).toMatchObject([
      { why: expect.stringContaining('FALCONER_NOTES') },
    ])
    await learn(database(), clock, { notes: undefined })
    expect(await found('wendeline')).toHaveLength(2)
    await expect(readNotes(join(folder, 'never'))).rejects.toThrow(/FALCONER_NOTES names/)
    await expect(readNotes(join(folder, 'team/rota.md'))).rejects.toThrow(/FALCONER_NOTES names .*ENOTDIR/)
  })

  it('learns of incidents what people said of them, also later, and under the one that stands for others', async () => {
    const [one, merged, later] = [newId(), newId(), newId()]
    const incident = (id: string, title: string) => ({
      id,
      title,
      scope: 'lab',
      severity: 'high' as const,
      severityFloor: 'high' as const,
      severityReasons: [],
      correlationVersion: 't',
      alertCount: 1,
      firstNs: noon,
      lastNs: noon,
      tactics: [],
      techniques: ['T1059'],
      rules: ['Terminal shell in container'],
      entityIds: [],
    })
    const say = (id: string, decision: { kind: 'note'; text: string } | { kind: 'verdict'; verdict: Verdict }, reason = '') =>
      database().transaction((tx) =>
        recordDecision(tx, id, {
          id: newId(),
          at: clock.now(),
          principalId: 'p',
          reason,
          links: [],
          decision: { ...decision, incident: id },
        }),
      )
    await database().transaction((tx) =>
      saveIncidents(
        tx,
        [incident(one, 'Shell in shop/checkout'), incident(merged, 'Another shell'), incident(later, 'One more')],
        clock.now(),
      ),
    )
    await database().query(sql`update incidents set merged_into = ${one} where id = ${merged}`)
    await learn(database(), clock, { notes: undefined })
    expect((await knownCounts(database())).incident).toBe(0)
    await say(one, { kind: 'verdict', verdict: 'benign' }, 'Quetzal maintenance')
    await say(merged, { kind: 'note', text: 'Axolotl asked for it\u0000' })
    await learn(database(), clock, { notes: undefined })
    expect(await found('quetzal')).toEqual([`incident ${one}`])
    expect(await found('axolotl')).toEqual([`incident ${one}`])
    await say(one, { kind: 'note', text: 'Pangolin came later' })
    await learn(database(), clock, { notes: undefined })
    expect(await found('pangolin')).toEqual([`incident ${one}`])
    // Joined by a rule, long after anybody looked at either.
    await database().query(sql`update incidents set merged_into = ${later} where id in (${one}, ${merged})`)
    await learn(database(), new FixedClock('2026-11-25T12:00:00Z'), { notes: undefined })
    expect(await found('quetzal')).toEqual([`incident ${later}`])
  })

  it('takes every question', async () => {
    for (const text of [`' " ) ( : * & | ! <-> -`, '\\', `\\' or ''`, "a\\b'c", '\0\u241b', '\ud800', '%', 'a'.repeat(3_000), ''])
      expect(await found(text)).toEqual(await found(text))
  })
})
