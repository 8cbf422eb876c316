import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { stringifyExact } from '../../domain/exact-json.ts'
import { searchAlerts } from '../../store/alert-search.ts'
import { getAlertRaw } from '../../store/alerts.ts'
import { openDatabase } from '../../store/database.ts'
import { runToEnd } from '../support/process.ts'
import { conformance, dataFolder, filesOf } from './data.ts'

type Counts = { read: number; accepted: number; duplicates: number; internal: number; skipped: number; deadLetters: number }
type Imported = { files: (Counts & { path: string; format: string })[]; totals: Counts }
type Stored = { eventNs: bigint; evtTime: string; duplicates: number }

/** What a file says of one of its lines, read without parsing: the digits as they stand there. */
const digitsOf = (line: string): string => /"evt\.time":(\d+)/.exec(line)?.[1] ?? 'none'

conformance('alerts written by a real Falco', () => {
  let folder: string
  const lines = new Map<string, string[]>()
  const imports: Imported[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'falconer-replay-'))
    for (const path of await filesOf('falco-replay'))
      lines.set(
        path,
        (await readFile(path, 'utf8')).split('\n').filter((line) => line !== ''),
      )
    for (let round = 0; round < 2; round += 1) {
      const { code, output, errors } = await runToEnd(
        `import ${join(dataFolder, 'falco-replay')} --cluster lab --data ${join(folder, 'data')} --json`.split(' '),
      )
      if (code !== 0) throw new Error(`import ended with ${code}: ${errors}`)
      imports.push(JSON.parse(output) as Imported)
    }
  }, 180_000)
  afterAll(async () => rm(folder, { recursive: true, force: true }))

  it('are all accepted, and each file accounts for every one of its lines', () => {
    const [first] = imports
    expect(first?.files.map((file) => file.path).sort()).toEqual([...lines.keys()])
    for (const file of first?.files ?? []) {
      expect(file).toMatchObject({ format: 'falco', read: lines.get(file.path)?.length, deadLetters: 0, skipped: 0, internal: 0 })
      expect(file.read).toBe(file.accepted + file.duplicates + file.internal + file.deadLetters)
    }
    const distinct = new Set([...lines.values()].flat()).size
    expect(first?.totals).toMatchObject({ read: [...lines.values()].flat().length, accepted: distinct })
    expect(distinct).toBeGreaterThan(100)
  })

  it('are not accepted a second time', () => {
    const [first, second] = imports
    expect(second?.totals).toEqual({ ...first?.totals, accepted: 0, duplicates: first?.totals.read })
  })

  it('are stored with every digit of evt.time and every byte of the line', async () => {
    const database = await openDatabase({ dataDir: join(folder, 'data'), migrate: false })
    const stored = new Map<string, Stored>()
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await searchAlerts(database, { scope: 'lab' }, { limit: 50, ...(cursor === undefined ? {} : { cursor }) })
      for (const alert of page.alerts) {
        const raw = Buffer.from((await getAlertRaw(database, alert.id)) ?? []).toString()
        expect(stored.has(raw)).toBe(false)
        stored.set(raw, { eventNs: alert.eventNs, evtTime: stringifyExact(alert.fields['evt.time']), duplicates: alert.seen - 1 })
      }
      cursor = page.next
    }
    await database.close()
    const all = [...lines.values()].flat()
    for (const line of all) {
      expect(digitsOf(line)).toMatch(/^\d{19}$/)
      expect(stored.get(line)).toMatchObject({ evtTime: digitsOf(line), eventNs: BigInt(digitsOf(line)) })
    }
    expect(stored.size).toBe(new Set(all).size)
    // Every line was sent twice by the second import; a line that stands in several files was sent more often.
    expect([...stored.values()].reduce((sum, one) => sum + one.duplicates + 1, 0)).toBe(2 * all.length)
  })
})
