/**
 * `npm run bench -- collect`: how fast collectors read and normalise, without a database, beside the bare parser of the same bytes; and
 * how much memory that takes. `--log-mb` and `--report-mb` say how large the two large files are: those must stream in constant memory.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Reading } from './bare-reading.ts'
import type { Bench, Comparison } from './bench.ts'
import { type Input, writeAuditLog, writeSeeds, writeTrivyReport } from './collect-inputs.ts'

const bareReading = fileURLToPath(new URL('bare-reading.ts', import.meta.url))
const mostGrowth = 300
const parserNames = { json: 'JSON.parse', lines: 'JSON.parse of each line', yaml: 'yaml’s parse', table: 'csv-parse' }

export const collect: Bench = {
  name: 'collect',
  title: 'Records read and normalised, and what memory grows by',
  async run(runs, progress, { logMegabytes, reportMegabytes }) {
    const folder = await mkdtemp(join(tmpdir(), 'falconer-bench-'))
    try {
      const comparisons: Comparison[] = []
      for (const input of await writeSeeds(folder)) comparisons.push(...(await compared(input, runs, progress)))
      for (const write of [() => writeAuditLog(folder, logMegabytes), () => writeTrivyReport(folder, reportMegabytes)]) {
        const input = await write()
        comparisons.push(...(await compared(input, runs, progress)))
        await rm(input.file)
      }
      return comparisons
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

async function compared(
  { title, file, format, parser, large }: Input,
  runs: number,
  progress: (text: string) => void,
): Promise<Comparison[]> {
  const ours: Reading[] = []
  const bare: Reading[] = []
  for (let run = 1; run <= runs; run += 1) {
    progress(`${title}, run ${run} of ${runs}`)
    bare.push(await reading(file, '', parser))
    ours.push(await reading(file, format, parser))
  }
  const grew = Math.max(...ours.map(({ growth }) => growth))
  if (large && grew > mostGrowth) throw new Error(`${title}: memory grew by ${Math.round(grew)} MB; it should stay below ${mostGrowth}`)
  const records = ours[0]?.records ?? 0
  const rate = ({ seconds }: Reading): number => records / seconds
  return [
    { what: title, unit: '/s', falconer: ours.map(rate), baseline: { what: parserNames[parser], samples: bare.map(rate) } },
    {
      what: `${title}: memory`,
      unit: 'MB',
      falconer: ours.map(({ growth }) => growth),
      baseline: { what: parserNames[parser], samples: bare.map(({ growth }) => growth) },
    },
  ]
}

/** In a process of its own: memory that was once taken is not given back. */
async function reading(file: string, format: string, parser: string): Promise<Reading> {
  const args = ['--disable-warning=ExperimentalWarning', bareReading, file, format, parser]
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as Reading
}
