/**
 * The contract of a benchmark: it measures Falconer and, in the same run, something bare that does the least of the same.
 * What is printed is the ratio of the two; a bare time says more about the machine than about Falconer.
 */
export type Comparison = {
  what: string
  unit: 's' | 'ms' | 'MB' | '/s' | 'cores' | 'tokens'
  /** One sample per run. */
  falconer: readonly number[]
  baseline: { what: string; samples: readonly number[] }
  /** Beside the figures: how much was answered, for example. */ note?: string
}
/** Of the files that `collect` makes, and of what `graph` fills a database with. */
export type Sizes = {
  logMegabytes: number
  reportMegabytes: number
  estate: number
  openAlerts: number
  /** Up to so many pieces of `knowledge` are looked through. */ pieces: number
  /** One tool of `tools`. */ tool?: string
}
export type Bench = {
  name: string
  title: string
  run(runs: number, progress: (text: string) => void, sizes: Sizes): Promise<Comparison[]>
}

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

/** Milliseconds of each of so many, one after the other; sorted. */
export async function timed(count: number, work: (place: number) => Promise<unknown>): Promise<number[]> {
  const samples: number[] = []
  for (let place = 0; place < count; place += 1) {
    const from = performance.now()
    await work(place)
    samples.push(performance.now() - from)
  }
  return samples.sort((a, b) => a - b)
}

/** What --json prints. */
export function summary({ what, unit, falconer, baseline, note }: Comparison): Record<string, unknown> {
  return {
    what,
    unit,
    falconer: { median: rounded(median(falconer)), samples: falconer.map(rounded) },
    baseline: { what: baseline.what, median: rounded(median(baseline.samples)), samples: baseline.samples.map(rounded) },
    ratio: rounded(median(falconer) / median(baseline.samples)),
    ...(note === undefined ? {} : { note }),
  }
}

/** For people: one line each, the ratio last. */
export function table(comparisons: readonly Comparison[]): string {
  const rows = comparisons.map(({ what, unit, falconer, baseline, note }) => [
    what,
    `${amount(median(falconer))} ${unit}`,
    `${amount(median(baseline.samples))} ${unit}`,
    `${(median(falconer) / median(baseline.samples)).toFixed(2)}×`,
    note === undefined ? baseline.what : `${baseline.what}; ${note}`,
  ])
  const all = [['', 'Falconer', 'baseline', 'ratio', 'the baseline is'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all
    .map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '))
    .join('\n')
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000
const amount = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(2))
