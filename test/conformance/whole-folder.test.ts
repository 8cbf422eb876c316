/**
 * Everything there is, in one import: each file’s records add up, a second import adds nothing, and neither the order of the files nor that of
 * their reports changes what is stored or what it comes to.
 */
import { createReadStream } from 'node:fs'
import { relative } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { operations } from '../../apps/server/api/api.ts'
import { InputError } from '../../domain/errors.ts'
import type { Database } from '../../store/database.ts'
import { openSite, type Site } from '../support/site.ts'
import { seed } from '../support/sizes.ts'
import { conformance, dataFolder, filesOf } from './data.ts'

type Answer = Record<'read' | 'accepted' | 'duplicates' | 'internal' | 'skipped' | 'deadLetters' | 'scans', number> & { format: string }
const importInput = operations.find((one) => one.id === 'importInput')

/** What each file became; a file that is no input of ours, why. */
async function importAll(site: Site, files: readonly string[]): Promise<Map<string, Answer | string>> {
  const answers = new Map<string, Answer | string>()
  for (const path of files) {
    const stream = ReadableStream.from(createReadStream(path)) as ReadableStream<Uint8Array>
    const call = {
      falconer: site.falconer,
      who: site.people.administrator.actor,
      params: {},
      query: { path: relative(dataFolder, path), scope: 'lab' },
      body: undefined,
      stream,
    }
    const answer = await importInput?.run(call as never).catch((error: unknown) => {
      if (error instanceof InputError) return error.message
      throw error
    })
    answers.set(relative(dataFolder, path), answer as Answer | string)
  }
  return answers
}

/** What is stored and what it comes to, without ids and without the order it came in. */
async function told(db: Database): Promise<Record<string, unknown[]>> {
  const statements = {
    alerts: sql`select scope, encode(content_key, 'hex') as key from alert_keys order by 1, 2`,
    activities: sql`select scope, encode(content_key, 'hex') as key from activities order by 1, 2`,
    findings: sql`select encode(finding_key, 'hex') as key, status, reopened, severity, title, first_ns, last_ns from findings order by 1`,
    witnesses: sql`select encode(f.finding_key, 'hex') as key, w.scanner, w.scope, w.target_key, w.outcome, w.paths, w.first_ns, w.last_ns from finding_witnesses w
      join findings f on f.id = w.finding_id order by 1, 2, 3, 4`,
    scans: sql`select scope, encode(content_key, 'hex') as key, findings, failed from scans order by 1, 2`,
    entities: sql`select scope, kind, key from entities order by 1, 2, 3`,
    aliases: sql`select scope, kind, key, also_key, because from entity_aliases order by 1, 2, 3, 4, 5`,
    rules: sql`select file, encode(content_key, 'hex') as key from falco_rules order by 1, 2`,
    letters: sql`select place, reason from dead_letters order by 1, 2`,
  }
  const all: Record<string, unknown[]> = {}
  for (const [name, statement] of Object.entries(statements)) all[name] = await db.query(statement)
  return all
}

conformance('the whole folder', () => {
  let site: Site
  let shuffled: Site
  let files: string[]
  let first: Map<string, Answer | string>
  beforeAll(async () => {
    site = await openSite()
    shuffled = await openSite()
    files = (await filesOf('.')).filter((path) => !path.includes('/.'))
    first = await importAll(site, files)
  }, 600_000)
  afterAll(async () => {
    await site?.close()
    await shuffled?.close()
  })
  const read = (): [string, Answer][] => [...first].filter((entry): entry is [string, Answer] => typeof entry[1] !== 'string')

  it('is read file by file: what was read is what was new, there already, told of a sensor, or could not be read', () => {
    expect(files.length).toBeGreaterThan(380)
    for (const [path, { read: count, accepted, duplicates, internal, deadLetters }] of read())
      expect(accepted + duplicates + internal + deadLetters, path).toBe(count)
    const formats = Object.fromEntries(
      [...Map.groupBy(read(), ([, { format }]) => format)].map(([format, those]) => [format, those.length]),
    )
    console.log(JSON.stringify(formats))
    expect(Object.keys(formats).length).toBeGreaterThanOrEqual(14)
  })

  it('refuses what is none of ours with what it looks like, and goes on', () => {
    const refused = [...first].filter((entry): entry is [string, string] => typeof entry[1] === 'string')
    for (const [path, why] of refused) {
      expect(why, path).toMatch(/name it with --format|it is empty/)
      expect(path).toMatch(
        /^scap\/|EXPECTED|Expected|INDEX|spdx|gsbom|summary-ids|not_yaml|parse_error|empty_rules|runtime_f5cc26|fal_01_003/,
      )
    }
  })

  it('adds nothing when it is imported again', async () => {
    for (const [path, answer] of await importAll(site, files))
      if (typeof answer !== 'string') expect([path, answer.accepted, answer.read]).toEqual([path, 0, (first.get(path) as Answer).read])
  }, 600_000)

  it('comes to the same in any order of files', async () => {
    let state = seed
    const order = files
      .map((path) => {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
        return { path, at: state }
      })
      .sort((a, b) => a.at - b.at)
      .map(({ path }) => path)
    await importAll(shuffled, order)
    const [one, other] = [await told(site.db), await told(shuffled.db)]
    for (const name of Object.keys(one)) expect(other[name], name).toEqual(one[name])
    expect(one.findings?.length).toBeGreaterThan(3_000)
  }, 600_000)
})
