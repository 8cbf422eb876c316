/**
 * `falconer import` as a child process that is stopped and killed in the middle: what was committed stays, the next import
 * completes it, nothing is stored twice, and every document of every file is accounted for.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadScenario, toJsonLines } from '../../evals/scenario.ts'
import { searchAlerts } from '../../store/alert-search.ts'
import { listDeadLetters } from '../../store/dead-letters.ts'
import { openDatabase } from '../../store/database.ts'
import { embeddedDatabase, serverDatabase, serverUrl } from '../support/database.ts'
import { run, runToEnd } from '../support/process.ts'

type Counts = { read: number; accepted: number; duplicates: number; internal: number; skipped: number; deadLetters: number }
type Imported = { files: (Counts & { path: string; format: string | null; error?: string })[]; totals: Counts; stopped?: boolean }

const many = 2_400
const [template] = loadScenario('everyday-noise', new Date('2026-09-14T10:00:00Z')).alerts
/** Alerts of one pod, a millisecond apart, each with a process id of its own. */
const lines = Array.from({ length: many }, (_, index) => {
  const ns = 1_789_378_200_000_000_001n + BigInt(index) * 1_000_000n
  const time = `${new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 23)}000001Z`
  return toJsonLines([{ ...template!, time, output_fields: { ...template?.output_fields, 'evt.time': ns, 'proc.pid': index } }])
})
const parsed = (output: string): Imported => JSON.parse(output.trim().split('\n').at(-1) ?? '') as Imported
const balanced = ({ read, accepted, duplicates, internal, deadLetters }: Counts): boolean =>
  read === accepted + duplicates + internal + deadLetters

describe('import', { timeout: 240_000 }, () => {
  let folder: string
  let data: string
  let input: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'falconer-import-'))
    ;[data, input] = [join(folder, 'data'), join(folder, 'input')]
    await (await embeddedDatabase(data)).close()
    await mkdir(join(input, 'h-nothing'), { recursive: true })
    const shop = loadScenario('shop-checkout-intrusion', new Date('2026-09-14T10:00:00Z'))
    await writeFile(join(input, 'a-many.jsonl'), lines.join(''))
    await writeFile(
      join(input, 'b-noise.log'),
      `Mon Sep 14 10:00:00 2026: Falco version: 0.42.1 (x86_64)\n${toJsonLines(loadScenario('everyday-noise', new Date('2026-09-14T10:00:00Z')).alerts)}`,
    )
    await writeFile(join(input, 'c-shop.json.gz'), gzipSync(toJsonLines(shop.alerts)))
    await writeFile(join(input, 'd-inventory.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: shop.objects }))
    await writeFile(
      join(input, 'e-broken.jsonl'),
      `${lines[0]}{"rule":"cut\n{"rule":"x","priority":"Notice","output":"y","time":"soon","output_fields":{}}\n`,
    )
    await writeFile(join(input, 'f-notes.txt'), 'buy milk\n')
    await writeFile(join(input, 'g-empty.json'), '')
  })
  afterAll(async () => rm(folder, { recursive: true }))

  const args = (path: string): string[] => ['--data', data, 'import', path, '--cluster', 'lab', '--json']

  it('stopped by Ctrl-C in the middle of a pipe that gives nothing more, it closes in order and says what to do', async () => {
    const stopped = run(args('-'), {}, null)
    await stopped.feed(lines.slice(0, 900).join(''))
    stopped.child.kill('SIGINT')
    expect(await stopped.ended).toBe(130)
    expect(stopped.errors()).toBe(
      'falconer: Stopped. What was read is kept, complete in itself; import the same again for the rest: nothing is stored twice.\n',
    )
    expect(parsed(stopped.output())).toMatchObject({ files: [], stopped: true })
  })

  it('killed with kill -9, it holds the folder until then and loses nothing it had committed', async () => {
    const killed = run(args('-'), {}, null)
    await killed.feed(lines.slice(0, 1_800).join(''))
    expect(await runToEnd(['--data', data, 'incidents'])).toMatchObject({
      code: 1,
      errors: expect.stringMatching(
        new RegExp(`is in use by another Falconer \\(pid ${killed.child.pid}\\): a server that is starting, or a command at work`),
      ),
    })
    killed.child.kill('SIGKILL')
    await killed.ended
    const db = await openDatabase({ dataDir: data })
    const kept = await countAlerts(db)
    await db.close()
    // Everything it took but what fits into pipe, buffers and one open batch of 500.
    expect(kept).toBeGreaterThan(900)
    expect(kept).toBeLessThan(many)
  })

  it('accounts for every document of a folder, and completes what was cut off', async () => {
    const { code, output, errors } = await runToEnd(args(input))
    expect(code).toBe(0)
    const { files, totals } = parsed(output)
    expect(files.map(({ path, format, error }) => [path.slice(input.length + 1), format, error !== undefined])).toEqual([
      ['a-many.jsonl', 'falco', false],
      ['b-noise.log', 'falco', false],
      ['c-shop.json.gz', 'falco', false],
      ['d-inventory.json', 'kubernetes', false],
      ['e-broken.jsonl', 'falco', false],
      ['f-notes.txt', null, true],
      ['g-empty.json', null, true],
    ])
    expect(files.filter((file) => !balanced(file))).toEqual([])
    expect(balanced(totals)).toBe(true)
    const [manyFile, noise, shop, inventory, broken] = files
    expect(manyFile).toMatchObject({ read: many, skipped: 0, deadLetters: 0 })
    expect(manyFile?.duplicates).toBeGreaterThan(900)
    expect(manyFile?.accepted).toBeGreaterThanOrEqual(many - 1_800)
    expect(noise).toMatchObject({ read: 10, accepted: 9, internal: 1, skipped: 1 })
    expect(shop).toMatchObject({ read: 7, accepted: 7 })
    expect(inventory).toMatchObject({ read: 21, accepted: 21 })
    expect(broken).toMatchObject({ read: 3, accepted: 0, duplicates: 1, deadLetters: 2 })
    expect(errors).toBe('')
  })

  it('imported again: nothing new, nothing twice, and an empty file that was named itself is a failure', async () => {
    const { code, output } = await runToEnd([...args(input), join(input, 'g-empty.json')])
    expect(code).toBe(2)
    const { files, totals } = parsed(output)
    expect(totals).toMatchObject({ accepted: 0, internal: 0, deadLetters: 2 })
    expect(files.filter((file) => !balanced(file))).toEqual([])
    expect(files.at(-1)?.error).toBe(`${join(input, 'g-empty.json')}: it is empty.`)
    const db = await openDatabase({ dataDir: data })
    expect(await countAlerts(db)).toBe(many + 9 + 7)
    await db.close()
  })

  it('keeps what could not be read once, with reason and place, and reads it again when asked', async () => {
    const db = await openDatabase({ dataDir: data })
    const letters = await listDeadLetters(db, { limit: 10 })
    await db.close()
    expect(letters.map(({ place, reason }) => [place.slice(place.lastIndexOf('/') + 1), reason])).toEqual([
      ['e-broken.jsonl: line 3', expect.stringContaining('"soon"')],
      ['e-broken.jsonl: line 2', expect.stringContaining('does not end')],
    ])
    const { code, output } = await runToEnd(['--data', data, 'dead-letters', 'replay', '--all', '--json'])
    expect({ code, ...(JSON.parse(output) as object) }).toEqual({
      code: 1,
      replayed: letters.map(({ id }) => expect.objectContaining({ id, accepted: 0, deadLetters: 1 })),
    })
  })

  it.each([
    ['a file that does not exist', 'nope.jsonl', [], /nope\.jsonl does not exist or cannot be read/],
    ['a format nobody knows', 'a-many.jsonl', ['--format', 'xml'], /no format “xml”. There are: asff, .*, trivy/],
    ['a folder with nothing in it', 'h-nothing', [], /There is no file in .*h-nothing/],
  ])('refuses %s', async (_what, file, more, says) => {
    expect(await runToEnd(['--data', data, 'import', join(input, file), ...more])).toMatchObject({
      code: 2,
      errors: expect.stringMatching(says),
    })
  })
})

describe.skipIf(serverUrl === undefined)('import into a Postgres server', { timeout: 180_000 }, () => {
  it('migrates, takes inventory from a pipe, and investigates what was imported', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'falconer-import-'))
    const { url, drop } = await serverDatabase(serverUrl as string)
    const env = { DATABASE_URL: url, FALCONER_DATA: folder }
    const shop = loadScenario('shop-checkout-intrusion', new Date('2026-09-14T10:00:00Z'))
    expect(await runToEnd(['migrate'], env)).toMatchObject({ code: 0, output: 'The schema is up to date.\n' })
    await writeFile(join(folder, 'alerts.jsonl'), toJsonLines(shop.alerts))
    const imported = await runToEnd(
      ['import', '-', join(folder, 'alerts.jsonl'), '--cluster', 'shop', '--json'],
      env,
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: shop.objects }),
    )
    expect(parsed(imported.output).totals).toMatchObject({ read: 28, accepted: 28 })
    const { incidents } = JSON.parse((await runToEnd(['incidents', '--json'], env)).output) as {
      incidents: { verdict: string; scope: string; alerts: number }[]
    }
    expect(incidents).toMatchObject([{ verdict: 'true_positive', scope: 'shop', alerts: 7 }])
    await drop()
    await rm(folder, { recursive: true })
  })
})

async function countAlerts(db: Awaited<ReturnType<typeof openDatabase>>): Promise<number> {
  let count = 0
  for (let cursor: string | undefined; ;) {
    const { alerts, next } = await searchAlerts(db, {}, { limit: 500, cursor })
    count += new Set(alerts.map((alert) => alert.id)).size
    if (next === null) return count
    cursor = next
  }
}
