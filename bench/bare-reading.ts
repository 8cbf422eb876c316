/** Reads one file and says how many records, in what time, with how much memory on top: by its collector, or by the bare parser of what it is written in. */
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream'
import { parse } from 'csv-parse'
import { parse as parseYaml } from 'yaml'
import { readInput } from '../collectors/read.ts'
import type { Parser } from './collect-inputs.ts'

export type Reading = { records: number; seconds: number; /** MB. */ growth: number }

const bare: Record<Parser, (file: string) => Promise<unknown>> = {
  json: async (file) => JSON.parse(readFileSync(file, 'utf8')) as unknown,
  lines: async (file) => {
    for await (const line of createInterface({ input: createReadStream(file) })) JSON.parse(line)
  },
  yaml: async (file) => parseYaml(readFileSync(file, 'utf8'), { maxAliasCount: -1 }) as unknown,
  table: async (file) => {
    const delimiter = [',', ';']
    for await (const _row of pipeline(createReadStream(file), parse({ delimiter, relax_column_count: true, comment: '#' }), () => {}));
  },
}

async function collected(file: string, format: string): Promise<number> {
  const { read, deadLetters } = await readInput(createReadStream(file, { highWaterMark: 256 * 1024 }), {
    path: file,
    format,
    source: { sourceId: null, sourceName: 'bench', scope: 'bench', receivedNs: 1_790_000_000_000_000_000n },
    onBatch: async () => {},
  })
  if (deadLetters > read / 100) throw new Error(`${file}: ${deadLetters} dead letters`)
  return read
}

/** Kilobytes, from /proc. */
const memory = (what: 'VmRSS' | 'VmHWM'): number =>
  Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))?.[1])

const [file = '', format = '', parser = 'json'] = process.argv.slice(2)
const before = memory('VmRSS')
const startedAt = performance.now()
const records = format === '' ? (await bare[parser as Parser](file), 0) : await collected(file, format)
const reading: Reading = { records, seconds: (performance.now() - startedAt) / 1_000, growth: (memory('VmHWM') - before) / 1_024 }
console.log(JSON.stringify(reading))
