/**
 * Scenarios: recorded in the true shapes of Falco and Kubernetes, one folder each. `loadScenario` moves their times so that
 * the last alert is now; `mutate` changes every name, id, rule, gap and order, so that nothing can be scripted to them.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import type { KubernetesJson } from '../clusters/contract.ts'
import type { Flow } from '../clusters/simulated/objects.ts'
import { formatEventTime, parseEventTime } from '../domain/event-time.ts'
import { parseExact, stringifyExact } from '../domain/exact-json.ts'
import { Verdict } from '../domain/report.ts'

const Description = z.strictObject({ title: z.string(), about: z.string(), expected: z.strictObject({ verdict: Verdict }) })
type FalcoDocument = { time: string; rule: string; output: string; output_fields: Record<string, unknown> } & Record<string, unknown>
export type Scenario = z.infer<typeof Description> & {
  name: string
  objects: KubernetesJson[]
  alerts: FalcoDocument[]
  flows: Flow[]
  logs: Record<string, string>
}

const folder = new URL('scenarios/', import.meta.url)
export const scenarioNames = (): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()

/** Reads a scenario; its last alert happens at `endAt`. */
export function loadScenario(name: string, endAt: Date): Scenario {
  const read = (file: string): string | null =>
    existsSync(new URL(`${name}/${file}`, folder)) ? readFileSync(new URL(`${name}/${file}`, folder), 'utf8') : null
  const alerts = (read('alerts.jsonl') ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseExact(line) as FalcoDocument)
  const scenario = {
    name,
    ...Description.parse(parse(read('scenario.yaml') ?? '')),
    alerts,
    objects: (JSON.parse(read('inventory.json') ?? '{"items":[]}') as { items: KubernetesJson[] }).items,
    flows: JSON.parse(read('connections.json') ?? '[]') as Flow[],
    logs: JSON.parse(read('logs.json') ?? '{}') as Record<string, string>,
  }
  const last = scenario.alerts.reduce((latest, alert) => (timeOf(alert) > latest ? timeOf(alert) : latest), 0n)
  return withTimes(scenario, (ns) => ns + BigInt(endAt.getTime()) * 1_000_000n - last)
}

/** The scenario's alerts as Falco writes them to a file. */
export const toJsonLines = (alerts: readonly FalcoDocument[]): string => alerts.map((alert) => `${stringifyExact(alert)}\n`).join('')

const timeOf = (alert: FalcoDocument): bigint => parseEventTime(alert.time) ?? 0n

function withTimes(scenario: Scenario, move: (ns: bigint) => bigint): Scenario {
  return {
    ...scenario,
    alerts: scenario.alerts.map((alert) => {
      const ns = move(timeOf(alert))
      return { ...alert, time: formatEventTime(ns), output_fields: { ...alert.output_fields, 'evt.time': ns } }
    }),
  }
}

/** Other names, ids, rules, gaps and order, all from the seed; the same story. */
export function mutate(scenario: Scenario, seed: number): Scenario {
  const bits = (salt: string): string => createHash('sha256').update(`${seed}/${salt}`).digest('hex')
  const word = (salt: string): string =>
    `${bits(salt)
      .replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? 'x')
      .slice(0, 7)}`
  const { objects, alerts, flows, logs } = scenario
  let text = stringifyExact({ objects, alerts, flows, logs })
  for (const name of ['shop', 'checkout', 'catalogue', 'monitoring', 'worker-1', 'worker-2', 'migrate'])
    text = text.replaceAll(name, word(name))
  for (const hex of new Set(text.match(/\b[0-9a-f]{64}\b/g)))
    text = text.replaceAll(hex, bits(hex)).replaceAll(hex.slice(0, 12), bits(hex).slice(0, 12))
  for (const uid of new Set(text.match(/\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}\b/g)))
    text = text.replaceAll(uid, uidFrom(bits(uid)))
  const changed = parseExact(text) as Pick<Scenario, 'objects' | 'alerts' | 'flows' | 'logs'>
  const rules = new Map([...new Set(changed.alerts.map((alert) => alert.rule))].map((rule) => [rule, `Custom ${word(rule)} detection`]))
  const first = changed.alerts.reduce(
    (least, alert) => (timeOf(alert) < least ? timeOf(alert) : least),
    timeOf(changed.alerts[0] as FalcoDocument),
  )
  const stretch = BigInt(1 + (seed % 5))
  const renamed = changed.alerts.map((alert) => ({
    ...alert,
    rule: alert.rule.startsWith('Falco internal') ? alert.rule : (rules.get(alert.rule) ?? alert.rule),
  }))
  return withTimes(
    { ...scenario, ...changed, alerts: renamed.sort((a, b) => (bits(stringifyExact(a)) < bits(stringifyExact(b)) ? -1 : 1)) },
    (ns) => first + (ns - first) * stretch,
  )
}

const uidFrom = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
