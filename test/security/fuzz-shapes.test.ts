import { sql } from 'kysely'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readInput } from '../../collectors/read.ts'
import type { Alert } from '../../domain/alert.ts'
import { getAlerts } from '../../store/alerts.ts'
import { embeddedDatabase } from '../support/database.ts'
import { inParts } from '../support/fuzz-bodies.ts'
import { shapes, sources } from '../support/fuzz-shapes.ts'
import { falconerProgram, runHere } from '../support/process.ts'
import { openSite, type Site } from '../support/site.ts'
import { full } from '../support/sizes.ts'

const first = shapes[0] as (typeof shapes)[number]
const source = { sourceId: null, sourceName: 's', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n }

async function keysOf(body: Buffer): Promise<string[]> {
  const keys: string[] = []
  await readInput(inParts(body, 1), {
    path: 'x',
    source,
    onBatch: async ({ records, deadLetters }) => {
      expect(deadLetters).toEqual([])
      for (const record of records) if (record.kind === 'alert') keys.push(record.alert.contentKey)
    },
  })
  return keys
}

describe('Every shape of Falco’s alerts', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'falconer-shapes-'))
    // Made from a template: to begin one anew takes a busy machine longer than all that is read here.
    await (await embeddedDatabase(join(folder, 'data'))).close()
  })
  afterAll(async () => rm(folder, { recursive: true, force: true }))

  it.each(shapes)('$name: recognised, and the same alert has the same key', async ({ body, alerts, same }) => {
    const keys = await keysOf(body)
    expect(keys).toHaveLength(alerts)
    const known = await keysOf(first.body)
    if (same) expect(known).toEqual(expect.arrayContaining(keys))
    else for (const key of keys) expect(known).not.toContain(key)
  })

  it('is read from files, format and counts for each', { timeout: 120_000 }, async () => {
    const input = join(folder, 'in')
    await mkdir(input)
    for (const [index, { body }] of shapes.entries()) await writeFile(join(input, `${String(index).padStart(2, '0')}.log`), body)
    const { code, output } = await runHere(['import', input, '--cluster', 'lab', '--json', '--data', join(folder, 'data')])
    expect(code).toBe(0)
    const { files } = JSON.parse(output) as { files: Record<string, unknown>[] }
    expect(files).toHaveLength(shapes.length)
    for (const [index, file] of files.entries()) {
      const shape = shapes[Number.parseInt(basename(String(file.path)), 10)] as (typeof shapes)[number]
      const { alerts, internal = 0, text: skipped = 0 } = shape
      expect({ name: shape.name, ...file }).toMatchObject({ format: 'falco', read: alerts + internal, internal, skipped, deadLetters: 0 })
      if (index > 0 && shape.same) expect({ name: shape.name, ...file }).toMatchObject({ accepted: 0, duplicates: alerts })
    }
  })

  it('is read from standard input', { timeout: 600_000 }, async () => {
    const chosen = full ? shapes : shapes.filter(({ name }) => name === 'gzip over UTF-16')
    expect(chosen).not.toEqual([])
    for (const { name, body, alerts, internal = 0, text: skipped = 0 } of chosen) {
      const child = spawn(falconerProgram, ['import', '-', '--cluster', 'lab', '--json', '--data', join(folder, 'data')], {
        env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      child.stdin.end(body)
      const [file] = (JSON.parse(await text(child.stdout)) as { files: object[] }).files
      expect({ name, ...file }).toMatchObject({ format: 'falco', read: alerts + internal, internal, skipped, deadLetters: 0 })
    }
  })

  describe('over HTTP', () => {
    let site: Site
    beforeAll(async () => {
      site = await openSite()
    }, 60_000)
    afterAll(async () => site.close())

    const storedAlerts = async (): Promise<Alert[]> =>
      getAlerts(
        site.db,
        (await site.db.query(sql<{ id: string }>`select id::text from alerts`)).map(({ id }) => id),
      )

    it('is answered with its counts; text that is no record is a dead letter there', { timeout: 120_000 }, async () => {
      for (const { name, body, alerts, internal = 0, text: skipped = 0, headers = {}, same } of shapes) {
        const answer = await site.ask(`/ingest/falco/${site.secret}`, { method: 'POST', body: new Uint8Array(body), headers })
        const counts = (await answer.json()) as Record<string, number>
        const stored = same && name !== first.name ? { accepted: 0, duplicates: alerts } : { accepted: alerts, duplicates: 0 }
        expect({ name, status: answer.status, ...counts }).toMatchObject({ status: 200, internal, deadLetters: skipped, ...stored })
        expect(counts.firstDeadLetter).toEqual(skipped > 0 ? expect.stringMatching(/^line \d+: not a Falco alerts document$/) : undefined)
      }
      const alerts = await storedAlerts()
      expect(new Set(alerts.map((alert) => alert.sensorSource))).toEqual(new Set([...sources, null]))
      expect(new Set(alerts.map((alert) => alert.priority)).size).toBe(8)
      const stored = alerts.filter((alert) => alert.eventNs === 1789378804338075531n && alert.seen > 10)
      expect(stored.map(({ rule, fields }) => [rule, fields['evt.time'], fields['user.name']])).toEqual([
        ['Terminal shell in container', 1789378804338075531n, '<NA>'],
      ])
    })

    it('refuses packings it does not read, and says which it does', async () => {
      const post = (encoding: string, body: Uint8Array): Promise<Response> =>
        site.ask(`/ingest/falco/${site.secret}`, { method: 'POST', body: new Uint8Array(body), headers: { 'content-encoding': encoding } })
      const packed = shapes.find(({ name }) => name === 'gzip') as (typeof shapes)[number]
      for (const encoding of ['gzip', 'x-gzip', 'GZIP']) expect((await post(encoding, packed.body)).status).toBe(200)
      for (const encoding of ['zstd', 'br', 'deflate', 'gzip, gzip']) {
        const answer = await post(encoding, packed.body)
        expect(answer.status).toBe(400)
        expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
        expect(JSON.stringify(await answer.json())).toContain(`Content-Encoding is “${encoding}”, which is not read here. Send it as gzip`)
      }
    })

    it('tells what falcosidekick cut, by bytes, and shows it', async () => {
      const long = 'é'.repeat(600)
      const cut = `${'é'.repeat(253)}\ufffd[...]`
      const whole = `${'x'.repeat(508)}[...]`
      const alert = (fields: Record<string, unknown>, output: string): string =>
        JSON.stringify({ uuid: 'c-1', rule: 'Cut', priority: 'Error', time: '2026-09-14T10:00:00Z', output, output_fields: fields })
      const post = async (body: string): Promise<void> => {
        expect(await (await site.ingest(body)).json()).toMatchObject({ accepted: 1 })
      }
      await post(alert({ 'proc.cmdline': cut, 'evil<b>': `${'y'.repeat(507)}[...]`, long, whole, other: '[...]' }, `a ${cut}`))
      await post(alert({ long, whole }, 'whole'))
      const alerts = (await storedAlerts()).filter(({ rule }) => rule === 'Cut')
      expect(alerts.map((one) => one.truncated).sort((x, y) => x.length - y.length)).toEqual([[], ['proc.cmdline', 'evil<b>', 'output']])
      await site.settle()
      for (const one of alerts) {
        const page = await (await site.ask(`/alerts/${one.id}`, { as: site.people.viewer })).text()
        expect(page.includes('cut by falcosidekick')).toBe(one.truncated.length > 0)
        expect(page).not.toContain('evil<b>')
      }
    })
  })
})
