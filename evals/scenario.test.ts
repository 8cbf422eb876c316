/** Scenarios have the true shapes of Falco and Kubernetes, and a mutated one is the same story with nothing left to be scripted to. */
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEventTime } from '../domain/event-time.ts'
import { parseExact } from '../domain/exact-json.ts'
import { conformance, filesOf } from '../test/conformance/data.ts'
import { property } from '../test/support/sizes.ts'
import { type Change, differences } from './changes.ts'
import { loadScenario, mutate, readScenario, type Scenario, scenarioNames, withNoise } from './scenario.ts'
import { latest, recordedTimes } from './times.ts'

const now = new Date('2026-11-24T12:00:00.000Z')
const story = withNoise(loadScenario('shop-checkout-intrusion', now), loadScenario('everyday-noise', now))
const sensed = ({ alerts }: Scenario): Scenario['alerts'] => alerts.filter((alert) => alert.source === 'syscall')
const names = ({ objects }: Scenario): string[] => objects.map(({ metadata }) => metadata.name).filter((name) => name !== 'kube-system')
const containersOf = ({ objects }: Scenario): string[] =>
  objects.flatMap(({ status }) =>
    ((status as { containerStatuses?: { containerID: string }[] } | undefined)?.containerStatuses ?? []).map((one) =>
      one.containerID.replace('containerd://', ''),
    ),
  )
const times = ({ alerts }: Scenario): bigint[] => alerts.map((alert) => parseEventTime(alert.time) ?? 0n).sort((a, b) => (a < b ? -1 : 1))

describe.each(scenarioNames())('%s', (name) => {
  const scenario = loadScenario(name, now)

  it('ends when it is told to, its three times agree to the nanosecond', () => {
    const off = BigInt(now.getTime()) * 1_000_000n - latest(recordedTimes(scenario))
    // CloudTrail tells whole seconds.
    expect(off >= 0n && off < (scenario.cloudtrail.length > 0 ? 1_000_000_000n : 1_000n)).toBe(true)
    expect(scenario.alerts.length + scenario.audit.length).toBeGreaterThan(0)
    for (const { time, output, output_fields: fields } of sensed(scenario)) {
      expect(fields['evt.time']).toBe(parseEventTime(time))
      expect(output.slice(0, 18)).toBe(time.slice(11, 29))
    }
  })

  it('says in prose what its fields say', () => {
    for (const { output, output_fields: fields, priority } of sensed(scenario)) {
      expect(output).toMatch(new RegExp(`^[\\d:.]{18}: ${String(priority)} [A-Z].* \\| `))
      for (const [word, field] of [
        ['command', 'proc.cmdline'],
        ['process', 'proc.name'],
        ['container_id', 'container.id'],
        ['k8s_pod_name', 'k8s.pod.name'],
      ] as const)
        expect(output).toContain(`${word}=${String(fields[field] ?? '<NA>')}`)
    }
  })

  it('has inventory as kubectl prints it: every object named, with its UID, and owned by one that is there', () => {
    const uids = new Set(scenario.objects.map(({ metadata }) => metadata.uid))
    expect(uids.size).toBe(scenario.objects.length)
    for (const { apiVersion, kind, metadata } of scenario.objects) {
      expect([apiVersion, kind, metadata.name, metadata.uid].every((value) => typeof value === 'string' && value !== '')).toBe(true)
      for (const { uid } of (metadata as { ownerReferences?: { uid: string }[] }).ownerReferences ?? []) expect(uids.has(uid)).toBe(true)
    }
  })
})

describe.each(scenarioNames().filter((name) => readScenario(name).twinOf !== undefined))('the twin %s', (name) => {
  const twin = readScenario(name)
  const attack = readScenario(twin.twinOf ?? '')
  const parts = ['alerts', 'audit', 'cloudtrail', 'objects', 'flows', 'logs', 'trivy'] as const
  const records = (one: Scenario): unknown => Object.fromEntries(parts.map((part) => [part, one[part]]))
  const placed = ({ file, at }: Change): string =>
    file === 'inventory.json' ? at.replace(/^\/items/, '/objects') : `/${file.replace(/\.jsonl?$/, '')}${at}`

  it('differs from its attack in exactly the fact it tells, and in what is right', () => {
    const found = differences(records(attack), records(twin))
    expect(found.length).toBeGreaterThan(0)
    // A list that is another is told as a whole; one of as many parts by the parts that differ.
    for (const place of found) expect(twin.changes.some((change) => place.startsWith(placed(change)))).toBe(true)
    for (const change of twin.changes) expect(found.some((place) => place.startsWith(placed(change)))).toBe(true)
    expect(twin.differs).toBeTruthy()
    expect(twin.family).toBe(attack.family)
    expect(twin.truth.verdicts.filter((verdict) => attack.truth.verdicts.includes(verdict))).toEqual([])
  })

  it('is the one kind of fact, in one kind of record', () => {
    const kinds = new Set(twin.changes.map(({ file }) => file))
    expect(kinds.size).toBe(1)
    expect(twin.changes.length).toBeLessThanOrEqual(3)
  })
})

describe('the dozen', () => {
  const all = scenarioNames().map(readScenario)
  it('has six attacks of six families or more, four benign twins, two that cannot be decided', () => {
    const attacks = all.filter(({ truth }) => truth.verdicts.includes('true_positive'))
    expect(new Set(attacks.map(({ family }) => family)).size).toBe(attacks.length)
    expect(attacks.length).toBeGreaterThanOrEqual(6)
    expect(all.filter(({ twinOf, truth }) => twinOf !== undefined && truth.verdicts[0] === 'benign').length).toBeGreaterThanOrEqual(4)
    expect(all.filter(({ truth }) => truth.verdicts.join() === 'insufficient_data').length).toBeGreaterThanOrEqual(2)
  })

  it('says of each what is expected where it says what is true, and the examples fit their patterns', () => {
    for (const { name, truth, expected } of all) {
      if (name !== 'everyday-noise') expect(truth.verdicts[0], name).toBe(expected.verdict)
      else expect(truth.verdicts).toContain(expected.verdict)
      for (const { says, example } of truth.unknowns) expect(example).toMatch(new RegExp(says))
    }
  })

  it('names in each truth only what is there, before and after a mutation', () => {
    for (const one of all.flatMap((scenario) => [scenario, mutate(scenario, 11)])) {
      const text = JSON.stringify([
        one.objects,
        one.alerts.map(({ output_fields: fields }) => ({ ...fields, 'evt.time': '' })),
        one.audit,
        one.cloudtrail,
      ])
      for (const { name } of one.truth.entities) expect(text, `${one.name}: ${name}`).toContain(name.split('/').at(-1))
      const targets = [...one.truth.actions.required, ...one.truth.actions.allowed].map(({ target }) => target.split('/').at(-1) ?? '')
      for (const target of targets) expect(text, `${one.name}: ${target}`).toContain(`"${target}"`)
    }
  })
})

conformance('scenarios beside what Falco wrote', () => {
  it('have the same keys in the same order, and every shared field is of the same kind', async () => {
    const real = (await Promise.all((await filesOf('falco-replay')).map((path) => readFile(path, 'utf8'))))
      .flatMap((text) => text.split('\n').filter((line) => line !== ''))
      .map((line) => parseExact(line) as Scenario['alerts'][number])
    const kinds = new Map<string, Set<string>>()
    for (const { output_fields: fields } of real)
      for (const [field, value] of Object.entries(fields)) kinds.set(field, (kinds.get(field) ?? new Set()).add(kindOf(value)))
    const always = [...kinds.keys()].filter((field) => real.every(({ output_fields: fields }) => field in fields))
    expect(always).toContain('evt.time')
    for (const name of scenarioNames())
      for (const alert of sensed(loadScenario(name, now))) {
        expect(Object.keys(alert)).toEqual(Object.keys(real[0] as object))
        expect(Object.keys(alert.output_fields)).toEqual(Object.keys(alert.output_fields).toSorted())
        expect(Object.keys(alert.output_fields)).toEqual(expect.arrayContaining(always))
        for (const [field, value] of Object.entries(alert.output_fields))
          // A capture without Kubernetes tells only that the field may be null.
          if (kinds.has(field) && !onlyNull(kinds.get(field))) expect([...(kinds.get(field) ?? []), 'null'], field).toContain(kindOf(value))
      }
  })
})
const onlyNull = (kinds: ReadonlySet<string> | undefined): boolean => kinds?.size === 1 && kinds.has('null')
/** Exact parsing gives a bigint where a number does not fit; both are JSON's one kind of number. */
const kindOf = (value: unknown): string => (value === null ? 'null' : typeof value === 'bigint' ? 'number' : typeof value)

describe('mutate', () => {
  it('gives another cluster, other rules, gaps and order, and the same story', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), (seed) => {
        const other = mutate(story, seed)
        expect(names(other).filter((name) => names(story).includes(name))).toEqual([])
        expect(new Set(names(other)).size).toBe(new Set(names(story)).size)
        expect(containersOf(other).filter((id) => containersOf(story).includes(id))).toEqual([])
        const text = JSON.stringify(sensed(other).map(({ output_fields: fields, rule }) => [rule, Object.values(fields).map(String)]))
        for (const word of [
          'checkout',
          'catalogue',
          'monitoring',
          'worker',
          '6c9d8f7b5d',
          '203.0.113.',
          'Run shell untrusted',
          'Terminal shell',
        ])
          expect(text).not.toContain(word)
        // What was scanned is what runs, under its new names.
        const scanned = JSON.stringify(other.trivy)
        expect(scanned).not.toMatch(/checkout|catalogue/)
        const digests = scanned.match(/(?<=@)sha256:[0-9a-f]{64}/g) ?? []
        expect(digests).not.toEqual(JSON.stringify(story.trivy).match(/(?<=@)sha256:[0-9a-f]{64}/g))
        expect(digests.every((digest) => JSON.stringify(other.objects).includes(digest))).toBe(true)
        // Every container of an alert that was in inventory still is, and so is every pod that an alert names.
        const known = ({ alerts, ...scenario }: Scenario): number =>
          alerts.filter((alert) =>
            containersOf({ alerts, ...scenario }).some((id) => id.startsWith(String(alert.output_fields['container.id']))),
          ).length
        expect(known(other)).toBe(known(story))
        for (const { output_fields: fields } of sensed(other))
          if (typeof fields['k8s.pod.name'] === 'string') expect(names(other)).toContain(fields['k8s.pod.name'])
        const gaps = (one: Scenario): bigint[] =>
          times(one)
            .slice(1)
            .map((time, index) => time - (times(one)[index] as bigint))
        expect(times(other).at(-1)).toBe(times(story).at(-1))
        for (const [index, gap] of gaps(other).entries()) {
          expect(gap).toBeGreaterThanOrEqual(gaps(story)[index] as bigint)
          expect(gap).toBeLessThanOrEqual((gaps(story)[index] as bigint) * 5n)
        }
        expect(gaps(other)).not.toEqual(gaps(story))
      }),
      property(400),
    )
  })

  it('is the seed’s alone, and brings alerts out of their order', () => {
    expect(mutate(story, 7)).toEqual(mutate(story, 7))
    const orders = [1, 2, 3].map((seed) => mutate(story, seed).alerts.map((alert) => alert.time))
    for (const order of orders) expect(order).not.toEqual(order.toSorted())
    expect(new Set(orders.map((order) => order.map((time) => order.toSorted().indexOf(time)).join())).size).toBe(3)
  })
})
