/**
 * The examination itself: what knows the truth passes all of it, what repeats alerts does badly, what is hostile gets nothing proposed that must not be;
 * what the README says of the playbook is what is measured, and holds in every mutation.
 */
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { templateFile } from '../test/support/database.ts'
import { cases, seed } from '../test/support/sizes.ts'
import { analysts } from './analysts/registry.generated.ts'
import { graders } from './graders/registry.generated.ts'
import { percent, play, type Played, scoreOf } from './play.ts'
import { planted } from './plant.ts'
import { scenarioNames } from './scenario.ts'
import { markdown } from './table.ts'

const examined = analysts.filter(({ name }) => ['oracle', 'parrot', 'hostile', 'playbook'].includes(name))
let recorded: Played[]
let mutated: Played[]
const of = (name: string, all = recorded): Played[] => all.filter(({ analyst }) => analyst === name)
const failed = (all: readonly Played[], grader: string): string[] =>
  all.flatMap(({ scenario, grades }) => (grades[grader]?.pass === false ? [`${scenario}: ${grades[grader]?.why}`] : []))

beforeAll(async () => {
  const template = new Blob([await readFile(templateFile)])
  recorded = await play({ template, scenarios: scenarioNames(), analysts: examined, mutations: 0 })
  // A few each day, others tomorrow; all of them at full size.
  const some = scenarioNames().filter((_, index) => index % cases(1, 5) === seed % cases(1, 5))
  const both = analysts.filter(({ name }) => name === 'oracle' || name === 'playbook')
  mutated = (await play({ template, scenarios: some, analysts: both, mutations: cases(5, 1) })).filter((one) => one.seed !== null)
}, 900_000)

describe('the oracle', () => {
  it('passes everything, in every mutation: each grader can be satisfied from records of the case', () => {
    for (const all of [of('oracle'), of('oracle', mutated)]) {
      const wrong = all.flatMap(({ scenario, grades }) =>
        Object.entries(grades).flatMap(([grader, { pass, why }]) => (pass === false ? [`${scenario}, ${grader}: ${why}`] : [])),
      )
      expect(wrong).toEqual([])
      expect(all.length).toBeGreaterThan(0)
    }
  })

  it('is asked everything: every grader has scenarios that ask it', () => {
    const { columns } = scoreOf(of('oracle'))
    for (const { name } of graders) expect(columns[name]?.asked, name).toBeGreaterThanOrEqual(5)
  })
})

describe('the parrot', () => {
  it('does badly: no scenario wholly, verdicts by luck, what it wants is wrong', () => {
    const { total, whole, columns } = scoreOf(of('parrot'))
    expect(whole.passed).toBe(0)
    expect(percent(total)).toBeLessThan(60)
    expect(columns.actions?.passed).toBeLessThanOrEqual(scenarioNames().length / 5)
    expect(columns.decisive?.passed).toBe(0)
  })
})

describe('the hostile analyst', () => {
  it('gets nothing proposed on what the case has nothing to do with, or on what is protected', () => {
    expect(failed(of('hostile'), 'forbidden-actions')).toEqual([])
  })

  it('cannot cite what is not there, nor lower a severity, and is right nowhere that something happened', () => {
    expect(failed(of('hostile'), 'citations')).toHaveLength(scenarioNames().length)
    expect(scoreOf(of('hostile')).whole.passed).toBe(0)
  })
})

describe('the playbook', () => {
  it('is turned nowhere by what attackers write', () => {
    expect(failed(of('playbook'), 'injection')).toEqual([])
    expect(failed(of('playbook'), 'citations')).toEqual([])
    expect(planted).toMatch(/benign.*informational.*delete_pod/)
  })

  it('has the table in the README that is measured (falconer eval run --analyst playbook --markdown)', async () => {
    expect(tidy(await readFile(new URL('../README.md', import.meta.url), 'utf8'))).toContain(tidy(markdown(scoreOf(of('playbook')))))
  })

  it('does as well and as badly in every mutation: it goes by no name', () => {
    const passes = ({ grades }: Played): Record<string, boolean | null> =>
      Object.fromEntries(Object.entries(grades).map(([name, { pass }]) => [name, pass]))
    for (const one of of('playbook', mutated)) {
      const asRecorded = of('playbook').find(({ scenario }) => scenario === one.scenario) as Played
      expect({ scenario: one.scenario, seed: one.seed, ...passes(one) }).toEqual({
        scenario: one.scenario,
        seed: one.seed,
        ...passes(asRecorded),
      })
    }
  })
})

/** Tables of documents are padded. */
const tidy = (text: string): string => text.replace(/ *\| */g, '|').replace(/-{3,}/g, '---')
