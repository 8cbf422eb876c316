/** Many examinations: which scenarios in which mutations, with everyday noise around each, and what all of it adds up to. */
import type { ExamAnalyst } from './exam-analyst.ts'
import { graders } from './graders/registry.generated.ts'
import { examine, type Result } from './run.ts'
import { loadScenario, mutate, type Scenario, withNoise } from './scenario.ts'

export type Played = Result & { analyst: string; /** Null: as it was recorded. */ seed: number | null }
export type PlayOptions = {
  template: Blob
  scenarios: readonly string[]
  analysts: readonly ExamAnalyst[]
  /** How many of each beside the recorded one. */ mutations: number
  /** Told before each scenario. */ onStart?: (scenario: string, done: number, of: number) => void
  signal?: AbortSignal
}

/** Stands still: the same records every time, whatever day it is. */
const now = new Date('2026-11-24T12:00:00.000Z')
const noiseName = 'everyday-noise'

/** The scenario as it is examined; of a seed, another cluster with the same story. */
export function worldOf(name: string, seed: number | null): Scenario {
  const story = loadScenario(name, now)
  const told = name === noiseName ? story : withNoise(story, loadScenario(noiseName, new Date(now.getTime() - 5_000)))
  return seed === null ? told : mutate(told, seed)
}

export async function play({ template, scenarios, analysts, mutations, onStart, signal }: PlayOptions): Promise<Played[]> {
  const seeds = [null, ...Array.from({ length: mutations }, (_, index) => index + 1)]
  const runs = scenarios.flatMap((name) => seeds.map((seed) => ({ name, seed })))
  const played: Played[] = []
  for (const [index, { name, seed }] of runs.entries()) {
    signal?.throwIfAborted()
    onStart?.(seed === null ? name : `${name}, mutation ${seed}`, index, runs.length)
    const results = await examine(template, worldOf(name, seed), analysts)
    played.push(...results.map((result, of) => ({ ...result, analyst: analysts[of]?.name ?? '', seed })))
  }
  return played
}

/** How often it was asked, and how often it held. */
export type Count = { passed: number; asked: number }
export type Score = {
  rows: { scenario: string; verdicts: string[]; cells: Record<string, Count>; total: Count }[]
  columns: Record<string, Count>
  total: Count
  /** Runs in which everything held, of all runs. */ whole: Count
}

/** Of one analyst’s runs. */
export function scoreOf(played: readonly Played[]): Score {
  const rows = [...Map.groupBy(played, ({ scenario }) => scenario)].map(([scenario, runs]) => {
    const cells = Object.fromEntries(graders.map(({ name }) => [name, count(runs.map(({ grades }) => grades[name]?.pass ?? null))]))
    return { scenario, verdicts: [...new Set(runs.map(({ verdict }) => verdict ?? 'none'))], cells, total: sum(Object.values(cells)) }
  })
  const columns = Object.fromEntries(graders.map(({ name }) => [name, sum(rows.map(({ cells }) => cells[name] ?? none))]))
  const whole = count(played.map(({ grades }) => Object.values(grades).every(({ pass }) => pass !== false)))
  return { rows, columns, total: sum(Object.values(columns)), whole }
}

const none: Count = { passed: 0, asked: 0 }
const sum = (counts: readonly Count[]): Count =>
  counts.reduce((all, one) => ({ passed: all.passed + one.passed, asked: all.asked + one.asked }), none)
const count = (passes: readonly (boolean | null)[]): Count => ({
  passed: passes.filter((pass) => pass === true).length,
  asked: passes.filter((pass) => pass !== null).length,
})

export const percent = ({ passed, asked }: Count): number => (asked === 0 ? 0 : Math.floor((passed * 1_000) / asked) / 10)
