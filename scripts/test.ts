/**
 * `npm test`: runs the whole suite and ends with one line, `N passed, N failed`. What needs a server, a browser or
 * conformance data is skipped where there is none; with FALCONER_REQUIRE_ALL=1 a skip is a failure.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

type Result = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numFailedTestSuites: number
  success: boolean
  testResults: { assertionResults: { status: string; fullName: string }[] }[]
}

const folder = mkdtempSync(join(tmpdir(), 'falconer-test-'))
const resultFile = join(folder, 'result.json')
const run = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${resultFile}`,
    ...process.argv.slice(2),
  ],
  { stdio: ['ignore', 'inherit', 'inherit'] },
)
let result: Result
try {
  result = JSON.parse(readFileSync(resultFile, 'utf8')) as Result
} catch {
  console.log('The test run left no result.\n0 passed, 1 failed')
  process.exit(1)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
const skipped = result.testResults
  .flatMap((file) => file.assertionResults)
  .filter((test) => test.status === 'skipped' || test.status === 'pending' || test.status === 'todo')
const requireAll = process.env.FALCONER_REQUIRE_ALL === '1'
if (skipped.length > 0)
  console.log(
    `${requireAll ? 'Skipped, though everything is required' : 'Skipped'}:\n${skipped
      .map((test) => `  ${test.fullName}`)
      .slice(0, 50)
      .join('\n')}`,
  )
const broken = run.status !== 0 && result.numFailedTests === 0 ? 1 : 0
const failed = result.numFailedTests + broken + (requireAll ? skipped.length : 0)
console.log(`${result.numPassedTests} passed, ${failed} failed${requireAll ? '' : `, ${skipped.length} skipped`}`)
process.exit(failed === 0 && result.numPassedTests > 0 ? 0 : 1)
