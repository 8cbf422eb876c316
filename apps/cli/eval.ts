/** `falconer eval`: examines an analyst offline, in throwaway databases; touches neither a configured database nor a cluster. */
import { InputError } from '../../domain/errors.ts'
import { analysts } from '../../evals/analysts/registry.generated.ts'
import { graders } from '../../evals/graders/registry.generated.ts'
import { percent, play, type Played, type Score, scoreOf } from '../../evals/play.ts'
import { readScenario, scenarioNames } from '../../evals/scenario.ts'
import { markdown, rowsOf, share } from '../../evals/table.ts'
import { worldTemplate } from '../../evals/world.ts'
import type { JsonOption } from './command.ts'
import { print, remark, safe, table } from './output.ts'
import { progressOn } from './progress.ts'
import { stopSignal } from './stop.ts'

export type EvalOptions = JsonOption & { analyst: string; scenario?: string; mutations: number; atLeast: number; markdown?: boolean }

/** Answers whether enough held. Throws InputError for a name that is none, ConfigError when the analyst cannot be had. */
export async function runEvals({ analyst: name, scenario, mutations, atLeast, json, markdown: asMarkdown }: EvalOptions): Promise<boolean> {
  const analyst = analysts.find((one) => one.name === name)
  if (analyst === undefined)
    throw new InputError(`There is no analyst “${name}”. There are: ${analysts.map((one) => one.name).join(', ')}.`)
  const scenarios = scenarioNames().filter((one) => scenario === undefined || one === scenario)
  if (scenarios.length === 0) throw new InputError(`There is no scenario “${scenario}”. There are: ${scenarioNames().join(', ')}.`)
  analyst.ready?.()
  const started = performance.now()
  const progress = progressOn(process.stderr)
  progress.say('preparing a database …')
  const played = await play({
    template: await worldTemplate(),
    scenarios,
    analysts: [analyst],
    mutations,
    onStart: (what, done, of) => progress.say(what, `${done + 1} of ${of}`),
    signal: stopSignal(),
  }).finally(() => progress.clear())
  const score = scoreOf(played)
  const seconds = Math.round((performance.now() - started) / 100) / 10
  if (json === true) print(JSON.stringify({ analyst: name, runs: played, score, seconds }))
  else if (asMarkdown === true) print(markdown(score))
  else tell(name, played, score, seconds)
  return percent(score.total) >= atLeast
}

function tell(analyst: string, played: readonly Played[], score: Score, seconds: number): void {
  const { head, rows } = rowsOf(score)
  print(table(head, rows))
  const wrong = played.flatMap(({ scenario, seed, grades }) =>
    Object.entries(grades).flatMap(([grader, { pass, why }]) =>
      pass === false ? [`  ${scenario}${seed === null ? '' : ` (${seed})`}, ${grader}: ${safe(why, 240)}`] : [],
    ),
  )
  if (wrong.length > 0)
    print(
      `\nWhat did not hold:\n${wrong.slice(0, most).join('\n')}${wrong.length > most ? `\n  and ${wrong.length - most} more (--json tells all)` : ''}`,
    )
  print(`\n${analyst}: ${share(score.total)} of what was asked held; everything in ${score.whole.passed} of ${score.whole.asked} runs.`)
  remark(`${played.length} runs in ${seconds} s.`)
}
const most = 60

export function listEvals({ json }: JsonOption): void {
  const scenarios = scenarioNames().map((name) => {
    const { title, family, twinOf, differs, truth } = readScenario(name)
    return { name, family, title, twinOf: twinOf ?? null, differs: differs ?? null, verdicts: truth.verdicts }
  })
  if (json === true) {
    const named = <T extends { name: string }>(all: readonly T[], told: (one: T) => string) =>
      all.map((one) => ({ name: one.name, about: told(one) }))
    print(JSON.stringify({ scenarios, graders: named(graders, ({ asks }) => asks), analysts: named(analysts, ({ about }) => about) }))
    return
  }
  print(
    table(
      ['scenario', 'right', 'family', 'title'],
      scenarios.map(({ name, verdicts, family, title }) => [name, verdicts.join(' | '), family, title]),
    ),
  )
  print(
    `\n${table(
      ['grader', 'asks'],
      graders.map(({ name, asks }) => [name, asks]),
    )}`,
  )
  print(
    `\n${table(
      ['analyst', 'is'],
      analysts.map(({ name, about }) => [name, about]),
    )}`,
  )
}
