/** What the tests of `falconer follow` write into its file, and what they read of what it says. */
import { setTimeout } from 'node:timers/promises'
import type { Running } from './process.ts'

/** So many alerts were written so far. */
export let written = 0

/** Alerts as Falco writes them, each with a number of its own. */
export const alerts = (count: number): string =>
  Array.from({ length: count }, () => {
    written += 1
    const ns = 1_789_378_200_000_000_001n + BigInt(written) * 1_000_000n
    return `{"hostname":"node-1","output":"x","output_fields":{"evt.time":${ns},"proc.pid":${written}},"priority":"Notice","rule":"Terminal shell in container","source":"syscall","tags":[],"time":"2026-09-14T10:00:00.000000001Z"}\n`
  }).join('')
type Event = { event: string; accepted: number; duplicates: number; deadLetters: number; to: number; seconds: number; reason: string }
export const events = (follower: Running): Event[] =>
  follower
    .output()
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as Event)

export async function until(what: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  for (const end = performance.now() + limitMs; !(await what());) {
    if (performance.now() > end) throw new Error('It did not come to that.')
    await setTimeout(20)
  }
}
