/**
 * How many cases a property runs: all with FALCONER_FULL=1, otherwise about a twentieth, with a seed that
 * rotates daily and is printed, so that a failure can be run again (FALCONER_SEED).
 */
import fc from 'fast-check'

export const full = process.env.FALCONER_FULL === '1'
export const seed = Number(process.env.FALCONER_SEED ?? Math.floor(Date.now() / 86_400_000))

/** The number of cases for this run, at least `least`. */
export const cases = (fullSize: number, least = 20): number => (full ? fullSize : Math.max(least, Math.ceil(fullSize / 20)))

/** fast-check parameters for a property of that full size. */
export const property = (fullSize: number, least = 20): fc.Parameters<unknown> => ({ numRuns: cases(fullSize, least), seed })
