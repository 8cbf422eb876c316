/** What a test run amounts to. Whatever cannot be counted as passed or permitted to be skipped has failed. */

export type Result = {
  testResults: {
    name: string
    status: string
    startTime: number
    endTime: number
    assertionResults: { status: string; fullName: string }[]
  }[]
}

/** `ended`: the runner itself ended well. The report's last line is `N passed, N failed`. */
export function judge(result: Result | null, ended: boolean, requireAll: boolean): { report: string; passed: number; failed: number } {
  const files = result?.testResults ?? []
  const tests = files.flatMap((file) => file.assertionResults)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const broken = tests.filter(({ status }) => status === 'failed').length
  const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed')
  // A file that cannot even be loaded has no tests to fail.
  const unloaded = files.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  )
  const counted = broken + unloaded.length + (requireAll ? skipped.length : 0)
  const failed = counted === 0 && (!ended || tests.length === 0) ? 1 : counted
  return {
    passed,
    failed,
    report: [...slowest(files), ...named(unloaded, skipped, requireAll), lastLine(passed, failed, skipped.length)].join('\n'),
  }
}

const short = (path: string): string => path.replace(`${process.cwd()}/`, '')

const lastLine = (passed: number, failed: number, skipped: number): string =>
  `${skipped === 0 ? '' : `(${skipped} skipped)\n`}${passed} passed, ${failed} failed`

function slowest(files: Result['testResults']): string[] {
  if (files.length < 2) return []
  const seconds = ({ startTime, endTime }: { startTime: number; endTime: number }): number => (endTime - startTime) / 1_000
  const total = files.reduce((sum, file) => sum + seconds(file), 0)
  return [
    `Slowest of ${files.length} files, which took ${total.toFixed(0)} s one after another:`,
    ...[...files]
      .sort((a, b) => seconds(b) - seconds(a))
      .slice(0, 10)
      .map((file) => `  ${seconds(file).toFixed(1).padStart(6)} s  ${short(file.name)}`),
  ]
}

function named(unloaded: Result['testResults'], skipped: { fullName: string }[], requireAll: boolean): string[] {
  return [
    ...unloaded.map(({ name }) => `Could not be run: ${short(name)}`),
    ...(skipped.length === 0 ? [] : [requireAll ? 'Skipped, though everything is required:' : 'Skipped:']),
    ...skipped.slice(0, 50).map(({ fullName }) => `  ${fullName}`),
    ...(skipped.length > 50 ? [`  … and ${skipped.length - 50} more`] : []),
  ]
}
