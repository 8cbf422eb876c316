/**
 * The guarantees as docs/guarantees.md states them, and the tests that carry their numbers. A guarantee's tests are found by
 * their names (`guarantee 7: …`), never by a list kept by hand, so that neither can claim what the other does not have.
 */
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

export type State = 'proven' | 'partly' | 'not yet'
export type Guarantee = {
  number: number
  promise: string
  state: State
  /** What one run with --full tries, in words. */ size: string
  /** How it is shown, or what is still missing. */ how: string
}

const states: readonly string[] = ['proven', 'partly', 'not yet'] satisfies State[]

/** Every row of the page's table. Throws for a row that looks like one and cannot be read. */
export function guaranteesIn(page = readFileSync(`${root}docs/guarantees.md`, 'utf8')): Guarantee[] {
  return page
    .split('\n')
    .filter((line) => /^\|\s*\d/.test(line))
    .map((line) => {
      const cells = line.split('|').map((cell) => cell.trim())
      const [, number = '', promise = '', state = '', size = '', how = ''] = cells
      if (cells.length !== 7 || !/^\d+$/.test(number) || promise === '' || !states.includes(state) || how === '')
        throw new Error(`docs/guarantees.md has a row that cannot be read: ${line.slice(0, 80)}`)
      return { number: Number(number), promise, state: state as State, size, how }
    })
}

/** Test files by the number of the guarantee that a test of theirs carries in its name. */
export function testFiles(): Map<number, string[]> {
  const found = new Map<number, string[]>()
  for (const file of globSync('**/*.test.ts', { cwd: root, exclude: (name) => name === 'node_modules' }).sort()) {
    const source = readFileSync(root + file, 'utf8')
    const numbers = new Set([...source.matchAll(/['"`](?:guarantee \d+: )+/g)].flatMap(([title]) => numbersIn(title)))
    for (const number of numbers) found.set(number, [...(found.get(number) ?? []), file])
  }
  return found
}

/** A test may be about several: “guarantee 1: guarantee 4: …”. */
const numbersIn = (title: string): number[] => [...new Set([...title.matchAll(/guarantee (\d+): /g)].map(([, number]) => Number(number)))]

export type Outcome = { passed: number; failed: number; skipped: number; cases: number; seconds: number }
type Assertion = { fullName: string; status: string; duration?: number | null; meta?: { cases?: unknown } }

/** What came of each guarantee's tests, from vitest's JSON result. `cases` is what the tests themselves say they tried. */
export function outcomesOf(assertions: readonly Assertion[]): Map<number, Outcome> {
  const outcomes = new Map<number, Outcome>()
  for (const { fullName, status, duration, meta } of assertions) {
    for (const number of numbersIn(fullName)) {
      const outcome = outcomes.get(number) ?? { passed: 0, failed: 0, skipped: 0, cases: 0, seconds: 0 }
      if (status === 'passed') outcome.passed += 1
      else if (status === 'failed') outcome.failed += 1
      else outcome.skipped += 1
      outcome.cases += typeof meta?.cases === 'number' && status === 'passed' ? meta.cases : 0
      outcome.seconds += (duration ?? 0) / 1_000
      outcomes.set(number, outcome)
    }
  }
  return outcomes
}
