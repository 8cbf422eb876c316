/**
 * Scenarios: recorded in the true shapes of Falco and Kubernetes, one folder each. `loadScenario` moves their times so that
 * the last alert is now; `mutate` changes every name, id, address, rule, gap and order, so that nothing can be scripted to them.
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
  /** A scanner’s report of before it happened; null: nobody looked. */ trivy: TrivyReport | null
}
type TrivyReport = { CreatedAt: string } & Record<string, unknown>

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
    trivy: JSON.parse(read('trivy.json') ?? 'null') as TrivyReport | null,
  }
  const last = scenario.alerts.reduce((latest, alert) => (timeOf(alert) > latest ? timeOf(alert) : latest), 0n)
  return withTimes(scenario, (ns) => ns + BigInt(endAt.getTime()) * 1_000_000n - last)
}

/** The scenario's alerts as Falco writes them to a file. */
export const toJsonLines = (alerts: readonly FalcoDocument[]): string => alerts.map((alert) => `${stringifyExact(alert)}\n`).join('')

const timeOf = (alert: FalcoDocument): bigint => parseEventTime(alert.time) ?? 0n

function withTimes(scenario: Scenario, move: (ns: bigint) => bigint): Scenario {
  const { trivy } = scenario
  return {
    ...scenario,
    trivy: trivy === null ? null : { ...trivy, CreatedAt: formatEventTime(move(parseEventTime(trivy.CreatedAt) ?? 0n)) },
    alerts: scenario.alerts.map((alert) => {
      const ns = move(timeOf(alert))
      // Falco writes all nine digits, and begins its prose with the time of day.
      const time = `${formatEventTime(ns).slice(0, 19)}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}Z`
      const output = alert.output.replace(/^\d\d:\d\d:\d\d\.\d{9}/, time.slice(11, 29))
      return { ...alert, time, output, output_fields: { ...alert.output_fields, 'evt.time': ns } }
    }),
  }
}

/** The story with everyday noise of the same cluster around it. */
export const withNoise = (story: Scenario, noise: Scenario): Scenario => ({ ...story, alerts: [...story.alerts, ...noise.alerts] })

/** Other names, ids, addresses, rules, gaps and order, all from the seed; the same story, ending at the same time. */
export function mutate(scenario: Scenario, seed: number): Scenario {
  const bits = (salt: string): string => createHash('sha256').update(`${seed}/${salt}`).digest('hex')
  const { objects, alerts, flows, logs, trivy } = scenario
  const text = renamed(stringifyExact({ objects, alerts, flows, logs, trivy }), namesIn(objects), bits)
  const changed = parseExact(text) as Pick<Scenario, 'objects' | 'alerts' | 'flows' | 'logs' | 'trivy'>
  const ruled = changed.alerts.map((alert) => ({
    ...alert,
    rule: alert.rule.startsWith('Falco internal') ? alert.rule : `Custom ${word(bits(alert.rule))} detection`,
  }))
  const times = stretched(
    [...new Set(ruled.map(timeOf))].sort((a, b) => (a < b ? -1 : 1)),
    bits,
  )
  const shuffled = ruled.sort((a, b) => (bits(stringifyExact(a)) < bits(stringifyExact(b)) ? -1 : 1))
  return withTimes({ ...scenario, ...changed, alerts: shuffled }, (ns) => times.get(ns) ?? ns)
}

type Bits = (salt: string) => string
const word = (hex: string): string => hex.replace(/\d/g, (digit) => 'ghijklmnop'[Number(digit)] ?? 'x').slice(0, 8)

/** Parts of the objects' names: words, and the hashes that Kubernetes appends. */
function namesIn(objects: readonly KubernetesJson[]): string[] {
  const parts = objects
    .flatMap(({ metadata }) => (metadata.name === 'kube-system' ? [] : [metadata.name, metadata.namespace ?? '']))
    .flatMap((name) => name.split('-'))
    .filter((part) => /^(?:[a-z]{4,}|(?=[a-z]*\d)[a-z0-9]{5,10})$/.test(part) && !/^\d+$/.test(part))
  return [...new Set(parts)].sort((a, b) => b.length - a.length)
}

function renamed(given: string, names: readonly string[], bits: Bits): string {
  let text = given
  for (const name of names) text = text.replaceAll(name, /\d/.test(name) ? bits(name).slice(0, name.length) : word(bits(name)))
  for (const hex of new Set(text.match(/\b[0-9a-f]{64}\b/g)))
    text = text.replaceAll(hex, bits(hex)).replaceAll(hex.slice(0, 12), bits(hex).slice(0, 12))
  for (const uid of new Set(text.match(/\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}\b/g)))
    text = text.replaceAll(uid, uidFrom(bits(uid)))
  return text.replace(/\b203\.0\.113\.\d+\b/g, (peer) => `198.51.100.${1 + (Number.parseInt(bits(peer).slice(0, 4), 16) % 250)}`)
}

/** Where each time goes: every gap is drawn out by a factor of its own, from 1 to 5; the last stays. */
function stretched(times: readonly bigint[], bits: Bits): Map<bigint, bigint> {
  const moved = new Map<bigint, bigint>()
  let at = times.at(-1) ?? 0n
  for (const [back, time] of times.toReversed().entries()) {
    const later = times[times.length - back]
    if (later !== undefined) at -= ((later - time) * (10n + BigInt(Number.parseInt(bits(`gap ${back}`).slice(0, 4), 16) % 41))) / 10n
    moved.set(time, at)
  }
  return moved
}

const uidFrom = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
