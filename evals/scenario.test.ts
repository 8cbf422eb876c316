/** Scenarios have the true shapes of Falco and Kubernetes, and a mutated one is the same story with nothing left to be scripted to. */
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEventTime } from '../domain/event-time.ts'
import { parseExact } from '../domain/exact-json.ts'
import { conformance, filesOf } from '../test/conformance/data.ts'
import { property } from '../test/support/sizes.ts'
import { loadScenario, mutate, type Scenario, scenarioNames, withNoise } from './scenario.ts'

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
    expect(times(scenario).at(-1)).toBe(BigInt(now.getTime()) * 1_000_000n)
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
