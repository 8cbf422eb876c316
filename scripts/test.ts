/**
 * `npm test`: runs the whole suite and ends with one line, `N passed, N failed`. What needs a server, a browser or
 * conformance data is skipped where there is none; with FALCONER_REQUIRE_ALL=1 a skip is a failure.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runGroup } from './test/run-group.ts'
import { judge, type Result } from './test/verdict.ts'

const limitMinutes = process.env.FALCONER_FULL === '1' ? 600 : 40

const folder = mkdtempSync(join(tmpdir(), 'falconer-test-'))
const resultFile = join(folder, 'result.json')
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`]
const { code, leftBehind, timedOut } = await runGroup(process.execPath, [...vitest, ...process.argv.slice(2)], limitMinutes * 60_000)
for (const command of leftBehind) console.log(`Left running by a test, and ended now: ${command}`)
if (timedOut) console.log(`The tests did not end within ${limitMinutes} minutes, and were ended.`)

let result: Result | null = null
try {
  result = JSON.parse(readFileSync(resultFile, 'utf8')) as Result
} catch {
  console.log('The test run left no result.')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
const { report, failed } = judge(result, code === 0, process.env.FALCONER_REQUIRE_ALL === '1')
console.log(report)
process.exit(failed === 0 ? 0 : 1)
