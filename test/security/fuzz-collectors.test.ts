import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { collectors } from '../../collectors/registry.generated.ts'
import { seeds } from '../support/fuzz-seeds.ts'
import type { FuzzDone, FuzzWork } from '../support/fuzz-worker.ts'
import { full, seed } from '../support/sizes.ts'

/** What it takes at most, with other work on the machine. Two seconds of its own time are told by the reading itself. */
const silentMs = 120_000

/** Runs them in a thread that can be ended: a pattern that takes for ever cannot be interrupted otherwise, nor told. */
async function fuzz(from: number, count: number): Promise<FuzzDone> {
  const current = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('../support/fuzz-worker.ts', import.meta.url), {
    workerData: { from, count, current } satisfies FuzzWork,
  })
  let [last, since] = [-1, Date.now()]
  return new Promise((resolve, reject) => {
    const watch = setInterval(() => {
      const now = Atomics.load(current, 0)
      if (now !== last) [last, since] = [now, Date.now()]
      else if (Date.now() - since > silentMs) reject(new Error(`input ${from + now} does not end`))
    }, 1_000)
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => {
      clearInterval(watch)
      reject(new Error('the thread ended'))
    })
  }).finally(() => worker.terminate()) as Promise<FuzzDone>
}

describe('Damaged input of any collector', () => {
  it(
    'guarantee 28: malformed input is never dropped in silence: of whatever a collector reads each element is in a record, a dead letter or a count, and costs its neighbours nothing',
    { timeout: 36_000_000 },
    async ({ task }) => {
      const count = full ? 1_000_000 : 3_000
      const { wrong, seen } = await fuzz((seed * 1_000_003) % 2 ** 30, count)
      if (wrong !== null) throw new Error(wrong)
      // What is damaged beyond any use, or not at all, would prove nothing.
      expect(seen.map(({ collector }) => collector).sort()).toEqual(collectors.map(({ name }) => name).sort())
      for (const { collector, records, deadLetters } of seen)
        expect([collector, records > count / 300, deadLetters > count / 300]).toEqual([collector, true, true])
      Object.assign(task.meta, { cases: count })
    },
  )

  it('has a seed of every collector', () => {
    expect(new Set(seeds.map(({ collector }) => collector))).toEqual(new Set(collectors.map(({ name }) => name)))
  })
})
