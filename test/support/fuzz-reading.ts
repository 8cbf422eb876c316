/** Reads one fuzzed input in every way it can come, and says what is wrong with how it was read: nothing lost, nothing slow, nothing by chance. */
import { isDeepStrictEqual } from 'node:util'
import type { NewRecord } from '../../collectors/collector.ts'
import { collectors } from '../../collectors/registry.generated.ts'
import { type Batch, readInput, type ReadCounts } from '../../collectors/read.ts'
import { InputError } from '../../domain/errors.ts'
import { findingKey } from '../../domain/finding.ts'
import { isCounted } from '../../domain/record.ts'
import { inParts, pick, randomOf } from './fuzz-bodies.ts'
import { plainBytes } from './fuzz-account.ts'
import { elementsOf, type FuzzInput, fuzzInput, listsAt, type Path, valueAt, without } from './fuzz-inputs.ts'
import type { Seed } from './fuzz-seeds.ts'

type Reading = { counts: ReadCounts; records: NewRecord[]; dead: Batch['deadLetters'] }
const source = { sourceId: null, sourceName: 's', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n }
const mostSeconds = 2

/** To take longer than two seconds is a bug: of this process, since machines are shared. */
async function read(body: Buffer, chunks: number, format?: string): Promise<Reading | InputError> {
  const before = process.cpuUsage()
  const reading = await readingOf(body, chunks, format)
  const seconds = process.cpuUsage(before).user / 1e6
  if (seconds > mostSeconds) throw new Error(`it took ${seconds} s, as ${format ?? 'whatever it is'}`)
  return reading
}

/** The reading, or the refusal. Anything else that is thrown is a bug. */
async function readingOf(body: Buffer, chunks: number, format?: string): Promise<Reading | InputError> {
  const records: NewRecord[] = []
  const dead: Batch['deadLetters'] = []
  try {
    const counts = await readInput(inParts(body, chunks), {
      path: 'input',
      source,
      maxDeadLetters: 100_000,
      ...(format === undefined ? {} : { format }),
      onBatch: async (batch) => {
        records.push(...batch.records)
        dead.push(...batch.deadLetters)
      },
    })
    return { counts, records, dead }
  } catch (error) {
    if (error instanceof InputError) return error
    throw error
  }
}

export type Seen = { collector: string; records: number; deadLetters: number }
/** Throws what is wrong; answers what it was read as. */
export async function readFuzzed(number: number): Promise<Seen> {
  const input = fuzzInput(number)
  const { seed, body } = input
  const named = await read(body, number, seed.collector)
  const wrong = named instanceof InputError ? wrongRefusal(named) : (wrongCounts(named, input) ?? (await wrongNeighbours(named, input)))
  if (wrong !== null) throw new Error(`as ${seed.collector}: ${wrong}`)
  if (number % 4 === 0 && !same(named, await read(body, number + 1, seed.collector)))
    throw new Error('in other chunks it is read otherwise')
  const guessed = await read(body, number, undefined)
  const off =
    guessed instanceof InputError
      ? wrongRefusal(guessed)
      : guessed.counts.format === seed.collector && !same(guessed, named)
        ? 'recognised, it is read otherwise'
        : null
  if (off !== null) throw new Error(off)
  if (number % 16 === 1) await read(body, number, pick(collectors, randomOf(number)).name)
  return {
    collector: seed.collector,
    records: named instanceof InputError ? 0 : named.records.length,
    deadLetters: named instanceof InputError ? 0 : named.dead.length,
  }
}

const wrongRefusal = ({ message }: InputError): string | null =>
  message.trim().length < 10 ? `a refusal without a reason: ${message}` : null

const same = (one: Reading | InputError, other: Reading | InputError): boolean =>
  one instanceof InputError || other instanceof InputError
    ? one instanceof InputError && other instanceof InputError && one.message === other.message
    : isDeepStrictEqual(one, other)

function wrongCounts({ counts, records, dead }: Reading, { seed, body, document }: FuzzInput): string | null {
  if (counts.read !== records.filter(isCounted).length + dead.length || dead.length !== counts.deadLetters)
    return `counts do not add up: ${JSON.stringify(counts)}`
  if (dead.some(({ reason, at }) => reason === '' || at === '')) return 'a dead letter without a reason or a place'
  const told = counts.read + counts.skipped
  const text = plainBytes(body).toString()
  const said = document ?? (seed.isJson ? parsed(text) : undefined)
  const elements = elementsOf(said, seed.lists).filter((path) => seed.isWritten?.(valueAt(said, path)) ?? true)
  if (told < elements.length) return `${elements.length} elements, of which ${told} are told: ${JSON.stringify(counts)}`
  return told + counts.scans === 0 && !isNothing(text, said, seed) ? 'nothing is told of it' : null
}

/** A list with nothing in it, or separators, a header and comments. */
function isNothing(text: string, said: unknown, { lists, header }: Seed): boolean {
  if (/^[\s,[\]\ufeff]*$/.test(text)) return true
  if (text.split('\n').every((line) => (header?.startsWith(line.trim()) ?? false) || /^\s*(#.*|---|\.\.\.|-|null|~)?\s*$/.test(line)))
    return true
  return lists.some((list) => listsAt(said, list).some((found) => Array.isArray(found) || found === null))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, '')) as unknown
  } catch {
    return undefined
  }
}

const untouched = new Map<string, Promise<Set<string>>>()
/** What the other elements say must be there, whatever stands in this one. */
async function wrongNeighbours({ records }: Reading, { seed, within }: FuzzInput): Promise<string | null> {
  if (within === undefined) return null
  const place = `${seed.name} ${within.join('.')}`
  const others = untouched.get(place) ?? saidWithout(seed, within)
  untouched.set(place, others)
  const said = new Set(records.map(identity))
  const lost = [...(await others)].find((one) => !said.has(one))
  return lost === undefined ? null : `an element costs its neighbour: ${lost}`
}

async function saidWithout(seed: Seed, path: Path): Promise<Set<string>> {
  const reading = await read(Buffer.from(seed.write(without(seed.document, path))), 1, seed.collector)
  if (reading instanceof InputError) throw reading
  return new Set(reading.records.filter(({ kind }) => kind !== 'scan').map(identity))
}

function identity(record: NewRecord): string {
  switch (record.kind) {
    case 'alert':
      return `alert ${record.alert.contentKey}`
    case 'internal':
      return `internal ${record.contentKey}`
    case 'activity':
      return `activity ${record.activity.contentKey}`
    case 'finding':
      return `finding ${findingKey(record.finding)}`
    case 'scan':
      return `scan ${record.scan.target.key}`
    case 'entity':
      return `entity ${record.entity.kind} ${record.entity.key}`
    case 'relation':
      return `relation ${record.relation.from.key} ${record.relation.type} ${record.relation.to.key}`
    case 'alias':
      return `alias ${record.alias.key} ${record.alias.alsoKey}`
    case 'advisory':
      return `advisory ${record.advisory.list} ${record.advisory.cve}`
    case 'falco-rule':
      return `rule ${record.rule.contentKey}`
  }
}
