/** How tests run: two at a time, each file in a process of its own, on a database template made once before them. */
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Long files first, or the last one runs alone: what crosses folders (test/) takes longest. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const crosses = ({ moduleId }: TestSpecification): number =>
      /\/test\/(security|architecture|journeys|conformance)\//.test(moduleId) ? 0 : 1
    return (await super.sort(files)).sort((a, b) => crosses(a) - crosses(b))
  }
}

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    execArgv: ['--disable-warning=ExperimentalWarning'],
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
  },
})
