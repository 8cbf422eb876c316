/** `npm test` cannot be green by accident: what did not run, was skipped though required, or left no result has failed. */
import { describe, expect, it } from 'vitest'
import { runGroup } from '../../scripts/test/run-group.ts'
import { judge, type Result } from '../../scripts/test/verdict.ts'

const file = (name: string, ...statuses: string[]): Result['testResults'][number] => ({
  name,
  status: statuses.includes('failed') ? 'failed' : 'passed',
  startTime: 0,
  endTime: 1_500,
  assertionResults: statuses.map((status, index) => ({ status, fullName: `${name} ${index}` })),
})
const lastLine = (report: string): string | undefined => report.split('\n').at(-1)

describe('the verdict of a test run', () => {
  it('counts what passed and what failed, in its last line', () => {
    const { passed, failed, report } = judge({ testResults: [file('a', 'passed', 'passed'), file('b', 'failed', 'passed')] }, false, false)
    expect([passed, failed]).toEqual([3, 1])
    expect(lastLine(report)).toBe('3 passed, 1 failed')
  })

  it('lets tests be skipped, and says which; where everything is required a skip is a failure', () => {
    const result = { testResults: [file('a', 'passed', 'skipped', 'todo', 'pending')] }
    expect(judge(result, true, false)).toMatchObject({ passed: 1, failed: 0 })
    expect(judge(result, true, false).report).toContain('a 1')
    expect(judge(result, true, true)).toMatchObject({ passed: 1, failed: 3 })
  })

  it('fails for a file that could not be loaded', () => {
    const unloadable = { ...file('broken'), status: 'failed' }
    const { failed, report } = judge({ testResults: [file('a', 'failed'), unloadable] }, false, false)
    expect(failed).toBe(2)
    expect(report).toContain('Could not be run: broken')
  })

  it('fails when the runner did not end well, whatever its tests say', () => {
    expect(judge({ testResults: [file('a', 'passed')] }, false, false).failed).toBe(1)
    expect(judge(null, false, false).failed).toBe(1)
  })

  it('fails when nothing was tested', () => {
    expect(judge(null, true, false)).toMatchObject({ passed: 0, failed: 1 })
    expect(judge({ testResults: [] }, true, false)).toMatchObject({ passed: 0, failed: 1 })
  })

  it('names the slowest files, slowest first', () => {
    const slow = { ...file('slow', 'passed'), endTime: 9_000 }
    const { report } = judge({ testResults: [file('quick', 'passed'), slow] }, true, false)
    expect(report.split('\n').slice(1, 3)).toEqual(['     9.0 s  slow', '     1.5 s  quick'])
  })
})

describe('the group the tests run in', () => {
  it('ends what a test left running, and says what it was', async () => {
    const script = `const child = require('node:child_process').spawn('sleep', ['611'], { stdio: 'ignore' }); child.unref(); process.exitCode = 3`
    const { code, leftBehind, timedOut } = await runGroup(process.execPath, ['-e', script], 30_000)
    expect([code, timedOut]).toEqual([3, false])
    expect(leftBehind.map((command) => command.trim())).toEqual(['sleep 611'])
  })

  it('ends what does not end by itself', async () => {
    const { code, timedOut } = await runGroup(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], 500)
    expect([code, timedOut]).toEqual([null, true])
  })
})
