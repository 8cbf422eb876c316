import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { readInput, type ReadCounts } from '../../collectors/read.ts'
import { canonicalJson } from '../../domain/canonical-json.ts'
import { FixedClock } from '../../domain/clock.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import { listAlerts } from '../../store/alerts.ts'
import type { Database } from '../../store/database.ts'
import { listIncidents } from '../../store/incidents.ts'
import { accept } from '../../store/intake.ts'
import type { Tally } from '../../store/sources.ts'
import { eachDatabase } from '../support/database.ts'
import { runToEnd } from '../support/process.ts'
import { delivery } from '../support/records.ts'
import { conformance, dataFolder, filesOf, indexOf } from './data.ts'

/** What does not become alerts and messages one to one, with the reason. Whatever is not named here must. */
const exceptions: Record<string, { deadLetters?: number; refused?: RegExp; why: string }> = {
  'extracted_falcosidekick_test_payloads.jsonl': {
    deadLetters: 1,
    why: 'one payload is a template: its time is Go source text, which is no time; it becomes a dead letter that says so',
  },
  'falco-runtime_f5cc26.log': {
    refused: /plain text/,
    why: 'its only line is a container id; nothing in it is Falco’s, so it is refused, not read as zero alerts',
  },
}
const index = indexOf('falco-alerts')
const clock = new FixedClock('2026-11-24T12:00:00Z')

type Outcome = { counts?: ReadCounts; refused?: string; tally: Tally; dead: string[] }

async function importFile(db: Database, scope: string, path: string): Promise<Outcome> {
  const outcome: Outcome = { tally: { accepted: 0, duplicates: 0, internal: 0, deadLetters: 0 }, dead: [] }
  const source = { sourceId: null, sourceName: 'import', scope, receivedNs: BigInt(clock.now().getTime()) * 1_000_000n }
  try {
    outcome.counts = await readInput(createReadStream(path), {
      path,
      source,
      onBatch: async ({ records, deadLetters }) => {
        outcome.dead.push(...deadLetters.map((letter) => letter.reason))
        const alerts = records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : []))
        const internals = records.flatMap((record) => (record.kind === 'internal' ? [record] : []))
        const [tally] = await accept(db, clock, [delivery({ scope, alerts, internals, deadLetters })])
        for (const name of Object.keys(outcome.tally) as (keyof Tally)[]) outcome.tally[name] += tally?.[name] ?? 0
      },
    })
  } catch (error) {
    outcome.refused = String(error)
  }
  return outcome
}

/** Which alerts are together in one incident: what is left of a result when ids and scope are taken away. */
async function partition(db: Database, scope: string): Promise<string[]> {
  while ((await correlatePending(db, clock)).alerts > 0);
  const groups: string[] = []
  for (const incident of (await listIncidents(db, { scope }, { limit: 500 })).incidents) {
    const { alerts } = await listAlerts(db, { incidentId: incident.id }, { limit: 1_000 })
    const members = alerts.map(({ rule, eventNs, hostname, output, fields, seen }) =>
      stringifyExact([rule, eventNs, hostname, output, canonicalJson(fields), seen]),
    )
    groups.push([incident.title, incident.severity, ...members.sort()].join('\n'))
  }
  return groups.sort()
}

conformance('Falco alerts as people keep them', () => {
  eachDatabase('falco-alerts', (database) => {
    const outcomes = new Map<string, Outcome>()
    const reversed = new Map<string, Outcome>()
    beforeAll(async () => {
      const paths = await filesOf('falco-alerts')
      for (const path of paths) outcomes.set(basename(path), await importFile(database(), 'in-order', path))
      for (const path of paths.toReversed()) reversed.set(basename(path), await importFile(database(), 'reversed', path))
    }, 120_000)

    it('are in the index, every file of them', () => {
      expect([...outcomes.keys()].sort()).toEqual([...index.keys()].sort())
      expect(index.size).toBeGreaterThan(15)
    })

    it.each([...index])('%s', (file, { records, notes }) => {
      const outcome = outcomes.get(file)
      const expected = exceptions[file] ?? { why: '' }
      if (expected.refused !== undefined) {
        expect(outcome?.refused).toMatch(expected.refused)
        expect(records).toBe(0)
        return
      }
      expect(outcome?.refused).toBeUndefined()
      expect(outcome?.counts).toMatchObject({ format: 'falco', read: records, deadLetters: expected.deadLetters ?? 0 })
      expect(outcome?.dead).toHaveLength(expected.deadLetters ?? 0)
      expect(Object.values(outcome?.tally ?? {}).reduce((sum, count) => sum + count, 0)).toBe(records)
      const other = /non-alert lines=(\d+)/.exec(notes)?.[1]
      if (other !== undefined) expect(outcome?.counts?.skipped).toBe(Number(other))
    })

    it('give the same alerts and incidents whatever the order of the files', async () => {
      const sum = (of: Map<string, Outcome>): Tally =>
        [...of.values()].reduce(
          (total, { tally }) => ({
            accepted: total.accepted + tally.accepted,
            duplicates: total.duplicates + tally.duplicates,
            internal: total.internal + tally.internal,
            deadLetters: total.deadLetters + tally.deadLetters,
          }),
          { accepted: 0, duplicates: 0, internal: 0, deadLetters: 0 },
        )
      expect(sum(reversed)).toEqual(sum(outcomes))
      const groups = await partition(database(), 'in-order')
      expect(await partition(database(), 'reversed')).toEqual(groups)
      expect(groups.length).toBeGreaterThan(20)
    })
  })
})

conformance('falconer import, as a user runs it', () => {
  it(
    'reconciles with the index file by file; again nothing is new; any order of the files gives the same',
    { timeout: 600_000 },
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'falconer-conformance-'))
      try {
        const paths = ['falco-alerts', 'falco-replay'].map((name) => join(dataFolder, name))
        const [there, back] = [join(folder, 'there'), join(folder, 'back')]
        const first = await importAll(paths, there)
        const read = new Map(first.files.map((file) => [basename(file.path), file]))
        for (const [file, { records }] of index) {
          const { accepted, duplicates, internal, deadLetters } = read.get(file) as Counts
          const expected = exceptions[file]?.deadLetters ?? 0
          expect({ file, documents: accepted + duplicates + internal, deadLetters }).toEqual({
            file,
            documents: records - expected,
            deadLetters: expected,
          })
        }
        // Of replayed alerts the index says: one a line.
        for (const path of await filesOf('falco-replay'))
          if (path.endsWith('.jsonl')) {
            const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '').length
            const { accepted, duplicates, internal, deadLetters } = first.files.find((file) => file.path === path) as Counts
            expect({ path, sum: accepted + duplicates + internal, deadLetters }).toEqual({ path, sum: lines, deadLetters: 0 })
          }
        const again = await importAll(paths, there)
        expect(again.totals).toMatchObject({ read: first.totals.read, accepted: 0 })
        const files = (await Promise.all(['falco-alerts', 'falco-replay'].map(filesOf))).flat()
        // A file that is refused is no failure inside a folder, and one when it is named itself.
        const named = files.filter(
          (path) => exceptions[basename(path)]?.refused === undefined && read.get(basename(path))?.error === undefined,
        )
        const reversedTotals = (await importAll(named.toReversed(), back)).totals
        expect(reversedTotals).toEqual(first.totals)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  )
})

type Counts = Record<'read' | 'accepted' | 'duplicates' | 'internal' | 'skipped' | 'deadLetters', number>
async function importAll(
  paths: readonly string[],
  data: string,
): Promise<{ files: (Counts & { path: string; error?: string })[]; totals: Counts }> {
  const { code, output, errors } = await runToEnd(['import', ...paths, '--cluster', 'lab', '--data', data, '--json'])
  expect({ code, errors }).toMatchObject({ code: 0 })
  return JSON.parse(output) as Awaited<ReturnType<typeof importAll>>
}
