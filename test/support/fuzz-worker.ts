/** Reads fuzzed inputs one after the other in a thread of its own, so that whoever started it sees which one does not end. */
import { parentPort, workerData } from 'node:worker_threads'
import { fuzzInput } from './fuzz-inputs.ts'
import { readFuzzed, type Seen } from './fuzz-reading.ts'

export type FuzzWork = { from: number; count: number; /** The number that is being read. */ current: Int32Array }
export type FuzzDone = { wrong: string | null; seen: Seen[] }

const { from, count, current } = workerData as FuzzWork
const seen = new Map<string, Seen>()
let wrong: string | null = null
for (let number = from; number < from + count && wrong === null; number += 1) {
  Atomics.store(current, 0, number - from)
  try {
    const { collector, records, deadLetters } = await readFuzzed(number)
    const all = seen.get(collector) ?? { collector, records: 0, deadLetters: 0 }
    seen.set(collector, { collector, records: all.records + records, deadLetters: all.deadLetters + deadLetters })
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? `\n${error.cause.stack}` : ''
    wrong = `input ${number}: ${String(error)}${cause}\n${JSON.stringify(fuzzInput(number).body.toString('latin1').slice(0, 4_000))}`
  }
}
parentPort?.postMessage({ wrong, seen: [...seen.values()] } satisfies FuzzDone, [])
