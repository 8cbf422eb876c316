/**
 * `npm run guarantees`: what Falconer promises whatever a model does, and the tests that prove it, run. `-- --full` runs every
 * case instead of about a twentieth, `--only 1,3` some of them, `--list` none. Ends with one line, `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Guarantee, guaranteesIn, type Outcome, outcomesOf, testFiles } from './guarantees/table.ts'

const { values } = parseArgs({
  options: { full: { type: 'boolean', default: false }, list: { type: 'boolean', default: false }, only: { type: 'string' } },
})
const only = values.only?.split(',').map(Number)
const guarantees = guaranteesIn().filter((one) => only === undefined || only.includes(one.number))
const files = testFiles()
if (only?.some((number) => !guarantees.some((one) => one.number === number)) === true) {
  console.error(`--only takes numbers of docs/guarantees.md, such as --only 1,3; not ${values.only}.`)
  process.exit(2)
}

let passed = 0
let failed = 0
const outcomes = values.list ? new Map<number, Outcome>() : run()
for (const guarantee of guarantees) console.log(line(guarantee, outcomes.get(guarantee.number)))
if (values.list) process.exit(0)

for (const { number, state } of guarantees) {
  const outcome = outcomes.get(number)
  passed += outcome?.passed ?? 0
  failed += outcome?.failed ?? 0
  if (state !== 'not yet' && (outcome?.passed ?? 0) === 0) {
    console.log(`Guarantee ${number} is said to be ${state}, and no test of it passed.`)
    failed += 1
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)

type TestFile = { name: string; status: string; message: string; assertionResults: Parameters<typeof outcomesOf>[0][number][] }

function run(): Map<number, Outcome> {
  const numbers = guarantees.map((one) => one.number).filter((number) => files.has(number))
  const chosen = [...new Set(numbers.flatMap((number) => files.get(number) ?? []))]
  if (chosen.length === 0) return new Map()
  const folder = mkdtempSync(join(tmpdir(), 'falconer-guarantees-'))
  const result = join(folder, 'result.json')
  const filter = ['-t', `guarantee (${numbers.join('|')}): `]
  const patience = values.full ? ['--testTimeout=7200000', '--hookTimeout=600000'] : []
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${result}`]
  spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...chosen, ...filter, ...patience, ...reporters], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...(values.full ? { FALCONER_FULL: '1' } : {}) },
  })
  try {
    const { testResults } = JSON.parse(readFileSync(result, 'utf8')) as { testResults: TestFile[] }
    for (const { name, status, message, assertionResults } of testResults)
      if (status === 'failed' && !assertionResults.some((one) => one.status === 'failed')) {
        console.log(`${name} could not be run: ${message}`)
        failed += 1
      }
    return new Map([...outcomesOf(testResults.flatMap((file) => file.assertionResults))].filter(([number]) => numbers.includes(number)))
  } catch (error) {
    console.log(`The test run left no result: ${String(error)}\n0 passed, 1 failed`)
    process.exit(1)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function line({ number, promise, state, size, how }: Guarantee, outcome: Outcome | undefined): string {
  const told =
    outcome === undefined
      ? ''
      : [
          `${outcome.passed} passed`,
          ...(outcome.failed > 0 ? [`${outcome.failed} FAILED`] : []),
          ...(outcome.skipped > 0 ? [`${outcome.skipped} skipped`] : []),
          ...(outcome.cases > 0 ? [`${outcome.cases.toLocaleString('en')} cases`] : []),
          `${outcome.seconds.toFixed(1)} s`,
        ].join(', ')
  const details = [
    ...(state === 'not yet' ? [how] : [`with --full: ${size}`]),
    ...(told === '' ? [] : [told]),
    ...(files.get(number) ?? []),
  ]
  return `${String(number).padStart(2)}  ${state.padEnd(7)}  ${promise}\n${details.map((detail) => `              ${detail}`).join('\n')}`
}
