/**
 * Guarantee 30, for what a model says: true sentences about the records of a case are kept, and the same sentences with one digit, name, time or id changed are
 * all caught, quoted or not. The model's own words of where a value stands are never asked.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { cited, type Said } from '../../agent/claude/cite.ts'
import { FixedClock } from '../../domain/clock.ts'
import type { EvidenceRef } from '../../domain/evidence.ts'
import { redact } from '../../domain/redact.ts'
import { asShown, groundSaid, type Home, type RecordReader } from '../../incidents/grounding.ts'
import { readCase } from '../../incidents/read-case.ts'
import { stepId } from '../../incidents/record-field.ts'
import { recordReader } from '../../incidents/record-reader.ts'
import { type CitedRecord, readRecord } from '../../incidents/record-values.ts'
import type { Database } from '../../store/database.ts'
import { ensurePartitions } from '../../store/partitions.ts'
import { embeddedDatabase } from '../support/database.ts'
import { cases, full, seed } from '../support/sizes.ts'
import { recordStory } from '../support/story.ts'

vi.setConfig({ testTimeout: full ? 3_600_000 : 240_000, hookTimeout: 240_000 })

let db: Database
let reader: RecordReader
let records: CitedRecord[]
const clock = new FixedClock('2026-11-23T12:00:00Z')
beforeAll(async () => {
  db = await embeddedDatabase()
  await ensurePartitions(db, clock.now())
  const incident = await recordStory(db, clock, 'lab')
  const file = await readCase(db, clock.now(), incident.id, { cluster: () => null })
  const stored = recordReader(db)
  const ids: [EvidenceRef['record'], string][] = [
    ['incident', incident.id],
    ...file.alerts.map(({ alert }) => ['alert', alert.id] as [EvidenceRef['record'], string]),
    ...file.entities.map(({ id }) => ['entity', String(id)] as [EvidenceRef['record'], string]),
    ...file.posture.findings.slice(0, 40).map(({ finding }) => ['finding', finding.id] as [EvidenceRef['record'], string]),
    ...file.rootCauses.flatMap(({ cause }) =>
      cause.is === 'step' ? [['step', stepId(cause.step)] as [EvidenceRef['record'], string]] : [],
    ),
  ]
  records = (await Promise.all(ids.map(([record, id]) => readRecord(record, id, stored)))).filter((one) => one !== undefined)
  // Thousands of claims about the same few records: each is read from the store once.
  reader = remembered(stored)
})
afterAll(() => db.close())

function remembered(stored: RecordReader): RecordReader {
  const once = <T>(read: (id: string) => Promise<T>): ((id: string) => Promise<T>) => {
    const known = new Map<string, Promise<T>>()
    return async (id) => known.get(id) ?? known.set(id, read(id)).get(id)!
  }
  return Object.fromEntries(Object.entries(stored).map(([name, read]) => [name, once(read as never)])) as unknown as RecordReader
}

const quotable = ({ values }: CitedRecord) =>
  values.filter(({ value }) => value.length >= 3 && value.length <= 150 && !/[⟦⟧⟪⟫`\n]/u.test(value))
const sentences: ((value: string) => string)[] = [
  (value) => `It was ⟦${value}⟧ that was seen.`,
  (value) => `\`${value}\` was seen.`,
  (value) => `What was seen is ⟪${value}⟫, and no more.`,
]
/** Sentences of plain words about values that stand out by their shape. */
const plain = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\d+|CVE-\d{4}-\d+|[a-z0-9-]+\/[a-z0-9-]+\d[a-z0-9-]*)$/u

type Truth = { said: Said; record: CitedRecord; value: string }
const truth = fc.record({ record: fc.nat(), value: fc.nat(), sentence: fc.nat(), shown: fc.boolean() }).map((at): Truth | null => {
  const record = records[at.record % records.length] as CitedRecord
  const all = quotable(record)
  const held = all[at.value % Math.max(1, all.length)]
  if (held === undefined) return null
  const value = at.shown ? asShown(held.value) : held.value
  const said =
    plain.test(value) && at.sentence % 2 === 0 ? `Then pod ${value} was named.` : sentences[at.sentence % sentences.length]?.(value)
  return { record, value, said: { text: said ?? '', kind: 'observation', cites: [`${record.record}:${record.id}`] } }
})

const alike = { a: 'а', c: 'с', e: 'е', o: 'о', p: 'р', x: 'х', y: 'у', i: 'і', A: 'А', E: 'Е', O: 'О', P: 'Р', X: 'Х' }
/** Digits, names, times and ids changed; null: this one has none of that. */
const changes: Record<string, (one: Truth, at: number) => Said | null> = {
  'one digit': ({ said, value }, at) => {
    const digits = [...value.matchAll(/\d/g)].map(({ index }) => index)
    const place = digits[at % Math.max(1, digits.length)]
    if (place === undefined) return null
    const other = `${value.slice(0, place)}${(Number(value[place]) + 1 + (at % 8)) % 10}${value.slice(place + 1)}`
    return { ...said, text: said.text.replace(value, () => other) }
  },
  'another name': ({ said, value, record }, at) => {
    const other = records[at % records.length] as CitedRecord
    const names = quotable(other).filter(({ path }) => /^(?:pod|name|rule|hostname|resource|check|title|container)/.test(path))
    const name = names[at % Math.max(1, names.length)]?.value
    return name === undefined || other === record ? null : { ...said, text: said.text.replace(value, () => name) }
  },
  'another time': ({ said, record }, at) => {
    const time = record.values.find(({ path }) => path === 'eventTime' || path === 'firstTime')?.value
    if (time === undefined) return null
    const other = new Date(Date.parse(time) + (at % 2 === 0 ? 1 : -1) * (1 + (at % 7_200)) * 1_000).toISOString()
    return { ...said, text: `At ⟦${at % 3 === 0 ? other.slice(11, 19) : other.slice(0, 19)}⟧ it was seen.` }
  },
  'another id': ({ said, record }, at) => {
    const other = records[at % records.length] as CitedRecord
    return other.id === record.id ? null : { ...said, cites: [`${other.record}:${other.id}`] }
  },
  'a letter that looks alike': ({ said, value }, at) => {
    const places = [...value.matchAll(/[aceopxyiAEOPX]/g)].map(({ index }) => index)
    const place = places[at % Math.max(1, places.length)]
    if (place === undefined) return null
    const other = `${value.slice(0, place)}${alike[value[place] as keyof typeof alike]}${value.slice(place + 1)}`
    return { ...said, text: said.text.replace(value, () => other) }
  },
  'an id that is none': ({ said, record }, at) => {
    const place = at % record.id.length
    const other = `${record.id.slice(0, place)}${record.id[place] === '7' ? '3' : '7'}${record.id.slice(place + 1)}`
    return other === record.id ? null : { ...said, cites: [`${record.record}:${other}`] }
  },
}

/** What stands in a record anywhere, however it is looked at: a change that happens to be true is none. */
async function stillTrue(said: Said): Promise<boolean> {
  const cites = said.cites.map((cite) => cite.split(':') as [EvidenceRef['record'], string])
  // Any record of the store may be the one that a changed id names.
  const own = (await Promise.all(cites.map(([record, id]) => readRecord(record, id, reader)))).filter((one) => one !== undefined)
  const words = [...said.text.matchAll(/⟦([^⟧]*)⟧|⟪([^⟫]*)⟫|`([^`]*)`|Then pod (\S+) was/gu)].map(
    (found) => found.slice(1).find((one) => one !== undefined) ?? '',
  )
  // A secret that was changed is masked all the same.
  return words
    .map(redact)
    .every((word) => own.some(({ values }) => values.some(({ value }) => value.includes(word) || asShown(value).includes(word))))
}

const home: Home = { scopes: new Set(['lab']) }
const grounded = async (said: Said): Promise<boolean> => (await groundSaid(await cited(said, reader), reader, home)).grounded

it('guarantee 30: what a model says truly is kept', async ({ task }) => {
  const wanted = cases(2_000, 100)
  let kept = 0
  for (const one of fc.sample(truth, { numRuns: wanted * 2, seed })) {
    if (one === null || kept === wanted) continue
    expect(await grounded(one.said), JSON.stringify(one.said)).toBe(true)
    kept += 1
  }
  expect(kept).toBe(wanted)
  Object.assign(task.meta, { cases: kept })
})

it('guarantee 30: what a model says with one digit, name, time or id changed is caught', async ({ task }) => {
  const wanted = cases(2_000, 100)
  const caught = new Map(Object.keys(changes).map((name) => [name, 0]))
  let tried = 0
  for (const [at, one] of fc.sample(truth, { numRuns: wanted * 12, seed: seed + 1 }).entries()) {
    if (one === null || tried === wanted) continue
    const [name, change] = Object.entries(changes)[at % caught.size] as (typeof entries)[number]
    const said = change(one, (at * 7_919) >>> 2)
    if (said === null || (await stillTrue(said))) continue
    expect(await grounded(said), `${name}: ${JSON.stringify(one.said)} → ${JSON.stringify(said)}`).toBe(false)
    caught.set(name, (caught.get(name) ?? 0) + 1)
    tried += 1
  }
  expect(tried).toBe(wanted)
  for (const [name, count] of caught) expect(count, name).toBeGreaterThan(wanted / 25)
  Object.assign(task.meta, { cases: tried })
})
const entries = Object.entries(changes)

const spelled =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  )
/** A count or a span of time that is true of some alerts, and the sentence that tells it of any number. */
type Reckoned = { cites: string[]; value: number; tell(value: number): string }
const reckoned = fc
  .record({ from: fc.nat(), many: fc.integer({ min: 2, max: 8 }), what: fc.nat(), digits: fc.boolean() })
  .map((at): Reckoned => {
    const alerts = records.filter(({ record }) => record === 'alert')
    const chosen = Array.from({ length: Math.min(at.many, alerts.length) }, (_, n) => alerts[(at.from + n) % alerts.length] as CitedRecord)
    const read = ({ values }: CitedRecord, path: string): string => values.find((one) => one.path === path)?.value ?? ''
    const differing = (path: string): number => new Set(chosen.map((one) => read(one, path)).filter((one) => one !== '')).size
    const times = chosen.map((one) => Date.parse(read(one, 'eventTime')))
    const seconds = Math.floor((Math.max(...times) - Math.min(...times)) / 1_000)
    const rule = read(chosen[0] as CitedRecord, 'rule')
    const all: [number, (told: string) => string][] = [
      [chosen.length, (told) => `There are ${told} alerts, ⟦${rule}⟧ the first.`],
      [differing('rule'), (told) => `With ⟦${rule}⟧ ${told} rules fired.`],
      [differing('process.cmdline'), (told) => `Of ${told} commands one was met by ⟦${rule}⟧.`],
      [seconds, (told) => `It took ${told} seconds, from ⟦${rule}⟧ on.`],
      [Math.round(seconds / 60), (told) => `About ${told} minutes later than ⟦${rule}⟧ it was over.`],
    ]
    const [value, tell] = all[at.what % all.length] as (typeof all)[number]
    const words = (number: number): string => (at.digits ? String(number) : (spelled[number] ?? String(number)))
    return { cites: chosen.map(({ id }) => `alert:${id}`), value, tell: (number) => tell(words(number)) }
  })

it('guarantee 30: a number that a model reckoned is kept where the records are that many or that far apart, and caught where not', async ({
  task,
}) => {
  const wanted = cases(2_000, 100)
  let [kept, caught, tried] = [0, 0, 0]
  for (const [at, one] of fc.sample(reckoned, { numRuns: wanted * 4, seed: seed + 2 }).entries()) {
    if (tried === wanted || one.value < 2) continue
    const say = (value: number): Said => ({ text: one.tell(value), kind: 'observation', cites: one.cites })
    const lie = one.value + 12 + (at % 9)
    tried += 1
    if (await grounded(say(one.value))) kept += 1
    else expect.fail(`a true one: ${say(one.value).text}`)
    if (!(await grounded(say(lie)))) caught += 1
    else expect.fail(`a lie: ${say(lie).text}, of ${one.value}`)
  }
  console.log(`numbers: ${kept} of ${tried} true ones kept, ${caught} of ${tried} others caught`)
  expect(tried).toBe(wanted)
  Object.assign(task.meta, { cases: 2 * tried })
})

it('guarantee 30: what a model says without telling anything of a record is never confirmed, whatever it calls it', async ({ task }) => {
  const lies = [
    'The attacker was an insider from the finance team.',
    'This is a targeted campaign.',
    'It is contained.',
    'Nothing else was touched.',
  ]
  const all = records.map(({ record, id }) => `${record}:${id}`)
  let tried = 0
  for (const [at] of Array.from({ length: cases(2_000, 100) }).entries())
    for (const kind of ['observation', 'causal', 'inference'] as const) {
      const cites = [all[at % all.length] ?? '', all[(at * 7 + 1) % all.length] ?? '']
      expect(await grounded({ text: lies[at % lies.length] ?? '', kind, cites })).toBe(false)
      tried += 1
    }
  Object.assign(task.meta, { cases: tried })
})
