/**
 * Scenarios: worlds recorded in the true shapes of Falco, Kubernetes, CloudTrail and Trivy, one folder each, with what is true of them beside.
 * `loadScenario` moves their times so that the last record is of now. A twin reads another’s files and changes a few values of them.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import type { KubernetesJson } from '../clusters/contract.ts'
import type { Flow } from '../clusters/simulated/objects.ts'
import { parseExact, stringifyExact } from '../domain/exact-json.ts'
import { Verdict } from '../domain/report.ts'
import { type Change, changed } from './changes.ts'
import { latest, recordedTimes, withTimes } from './times.ts'
import { Truth } from './truth.ts'

export { mutate } from './mutate.ts'

const Description = z.strictObject({
  title: z.string(),
  about: z.string(),
  family: z.string().describe('What kind of thing happens; a twin has that of its attack'),
  expected: z.strictObject({ verdict: Verdict }),
  twinOf: z.string().optional(),
  differs: z.string().optional().describe('The one fact, in words'),
  changes: z.array(z.strictObject({ file: z.string(), at: z.string(), to: z.unknown() })).default([]),
})
export type Document = Record<string, unknown>
export type FalcoDocument = { time: string; rule: string; output: string; output_fields: Document } & Document
export type Scenario = z.infer<typeof Description> & {
  name: string
  objects: KubernetesJson[]
  alerts: FalcoDocument[]
  /** Events of the Kubernetes audit log. */ audit: Document[]
  /** Records of CloudTrail. */ cloudtrail: Document[]
  flows: Flow[]
  logs: Record<string, string>
  /** A scanner’s report of before it happened; null: nobody looked. */ trivy: TrivyReport | null
  truth: Truth
}
type TrivyReport = { CreatedAt: string } & Document

const folder = new URL('scenarios/', import.meta.url)
export const scenarioNames = (): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()

/** Reads a scenario; its last record is of `endAt`. */
export function loadScenario(name: string, endAt: Date): Scenario {
  const scenario = readScenario(name)
  const last = latest(recordedTimes(scenario))
  return withTimes(scenario, (ns) => ns + BigInt(endAt.getTime()) * 1_000_000n - last)
}

/** As it stands in its files; a twin with what it changes. */
export function readScenario(name: string): Scenario {
  const described = Description.parse(parse(read(name, 'scenario.yaml') ?? ''))
  const from = described.twinOf ?? name
  const json = <T>(file: string, otherwise: string): T =>
    changed(JSON.parse(read(from, file) ?? otherwise) as T, of(described.changes, file))
  const lines = <T>(file: string): T[] => changed(linesOf(read(from, file) ?? '') as T[], of(described.changes, file))
  return {
    name,
    ...described,
    alerts: lines('alerts.jsonl'),
    audit: lines('audit.jsonl'),
    cloudtrail: lines('cloudtrail.jsonl'),
    objects: json<{ items: KubernetesJson[] }>('inventory.json', '{"items":[]}').items,
    flows: json('connections.json', '[]'),
    logs: json('logs.json', '{}'),
    trivy: json('trivy.json', 'null'),
    truth: Truth.parse(JSON.parse(read(name, 'truth.json') ?? 'null')),
  }
}

const of = (changes: readonly Change[], file: string): Change[] => changes.filter((change) => change.file === file)
const read = (name: string, file: string): string | null => {
  const path = new URL(`${name}/${file}`, folder)
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}
const linesOf = (text: string): unknown[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseExact(line))

/** The scenario's alerts as Falco writes them to a file. */
export const toJsonLines = (documents: readonly Document[]): string => documents.map((one) => `${stringifyExact(one)}\n`).join('')

/** The story with everyday noise of the same cluster around it. */
export const withNoise = (story: Scenario, noise: Scenario): Scenario => ({ ...story, alerts: [...story.alerts, ...noise.alerts] })
