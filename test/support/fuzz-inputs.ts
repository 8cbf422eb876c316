/** Inputs for fuzzing collectors: a seed with values of other types in it, or damaged bytes, or blown up, or two in one. The same number gives the same input. */
import fc from 'fast-check'
import { damagedBytes, pick, type Random, randomOf } from './fuzz-bodies.ts'
import { type Seed, seeds } from './fuzz-seeds.ts'

export type Path = readonly (string | number)[]
export type FuzzInput = {
  seed: Seed
  body: Buffer
  /** What the body says, where it was not damaged. */ document?: unknown
  /** The element in which alone something is other than in the seed. */ within?: Path
}

const deep = (levels: number): unknown => Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 0)
/** Values that nobody sends, but some do: what JSON can say, and what a language makes of names it knows. */
const odd: readonly unknown[] = [
  [
    null,
    true,
    0,
    -1,
    1e300,
    -0,
    0.1,
    2n ** 53n + 1n,
    -(2n ** 63n),
    10n ** 40n,
    '',
    ' ',
    'x',
    '\0',
    '\ud800',
    'a\udc00b',
    '\u202e',
    '\ufeff',
  ],
  ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2026-02-30T25:61:61Z', '__proto__', 'toString', 'constructor', 'NaN', '-Infinity'],
  [
    'pkg:',
    'pkg:npm/%',
    'arn:aws:::',
    'sha256:',
    '%E0%A4%A',
    'CVE-',
    '{"rule":1}',
    '[',
    '\n- rule: x\n',
    '<!DOCTYPE x>',
    '=1+1',
    '😀'.repeat(700),
  ],
  ['x'.repeat(70_000), ' '.repeat(30_000), '\n'.repeat(5_000), '/'.repeat(5_000), ':'.repeat(3_000), 'a.'.repeat(3_000), '(('.repeat(900)],
  [
    [],
    {},
    [null],
    [[]],
    [{}],
    [[[]]],
    { a: [1] },
    { toString: 1 },
    { valueOf: null, toString: null },
    { length: 3 },
    { kind: {} },
    { '': '' },
  ],
  ['{"__proto__":{"kind":"x"}}', '{"constructor":{"name":1}}', '{"then":1}', '{"toJSON":1}'].map((text) => JSON.parse(text) as unknown),
  [
    deep(20),
    deep(70),
    deep(1_500),
    Array.from({ length: 3_000 }, () => 'x'),
    Object.fromEntries(Array.from({ length: 500 }, (_, n) => [n, n])),
  ],
  fc.sample(fc.jsonValue({ maxDepth: 4 }), { numRuns: 300, seed: 1 }),
].flat(1)
const names = ['__proto__', 'toString', 'constructor', 'length', 'kind', '', 'x'.repeat(300), 'a.b', '$', '*', '\0']

export function fuzzInput(number: number): FuzzInput {
  const random = randomOf(number)
  const seed = pick(seeds, random)
  if (random(400) === 0) return { seed, body: blownUp(written(seed), random) }
  const way = random(100)
  if (way < 25) return swappedWithin(seed, random)
  if (way < 50) return swappedAnywhere(seed, random)
  const other = (by: Random): Buffer => written(pick(seeds, by))
  if (way < 56)
    return { seed, body: Buffer.concat([written(seed), Buffer.from(pick(['', '\n', ',', '\0', '---\n'], random)), other(random)]) }
  const whole = random(4) === 0 ? swappedAnywhere(seed, random).body : written(seed)
  return { seed, body: damagedBytes(whole, random, other) }
}

const bodies = new Map<Seed, Buffer>()
/** The seed as it is. */
export function written(seed: Seed): Buffer {
  const body = bodies.get(seed) ?? Buffer.from(seed.write(seed.document))
  bodies.set(seed, body)
  return body
}

function swappedAnywhere(seed: Seed, random: Random): FuzzInput {
  let { document } = seed
  for (let left = 1 + random(3); left > 0; left -= 1) document = swapped(document, pick(placesOf(document), random), random)
  return { seed, document, body: Buffer.from(seed.write(document)) }
}

function swappedWithin(seed: Seed, random: Random): FuzzInput {
  const elements = elementsOf(seed.document, seed.lists)
  if (elements.length === 0) return swappedAnywhere(seed, random)
  const within = pick(elements, random)
  const inner = placesOf(valueAt(seed.document, within)).map((path) => [...within, ...path])
  const document = swapped(seed.document, pick(inner, random), random)
  return { seed, document, within, body: Buffer.from(seed.write(document)) }
}

/** The value there is another, or gone, or goes by another name. */
function swapped(document: unknown, path: Path, random: Random): unknown {
  const way = random(10)
  const last = path.at(-1)
  if (way < 8 || typeof last !== 'string') return replaced(document, path, () => pick(odd, random))
  const outer = path.slice(0, -1)
  return replaced(document, outer, (value) => {
    const { [last]: moved, ...others } = value as Record<string, unknown>
    return way === 8 ? others : { ...others, [pick(names, random)]: moved }
  })
}

function replaced(document: unknown, [first, ...rest]: Path, by: (value: unknown) => unknown): unknown {
  if (first === undefined) return by(document)
  if (Array.isArray(document)) return document.with(Number(first), replaced(document[Number(first)], rest, by))
  return { ...(document as object), [first]: replaced((document as Record<string, unknown>)[first], rest, by) }
}

const isObject = (value: unknown): value is Record<string, unknown> => value !== null && typeof value === 'object' && !Array.isArray(value)
export const valueAt = (document: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, step) => (value as Record<string | number, unknown>)[step], document)

function placesOf(value: unknown, path: Path = []): Path[] {
  if (path.length > 30 || value === null || typeof value !== 'object') return [path]
  const inner = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return [path, ...inner.slice(0, 100).flatMap(([key, one]) => placesOf(one, [...path, key]))]
}

/** Where the document has elements that are objects: each is to be accounted for. */
export function elementsOf(document: unknown, lists: readonly string[]): Path[] {
  return lists.flatMap((list) => placesAt(document, list.split('.').slice(1))).filter((path) => isObject(valueAt(document, path)))
}

/** What stands where the list should be. */
export const listsAt = (document: unknown, list: string): unknown[] =>
  placesAt(document, list.split('.').slice(1, -1)).map((path) => valueAt(document, path))

function placesAt(document: unknown, steps: readonly string[]): Path[] {
  let paths: Path[] = [[]]
  for (const step of steps)
    paths = paths.flatMap((path) => {
      const value = valueAt(document, path)
      if (step === '*') return Array.isArray(value) ? [...value.keys()].map((index) => [...path, index]) : []
      return isObject(value) && Object.hasOwn(value, step) ? [[...path, step]] : []
    })
  return paths
}

/** The seed’s document with its elements so many times over that it has about this many bytes. */
export function grown({ document, lists, write }: Seed, bytes: number): unknown {
  const times = Math.ceil(bytes / write(document).length)
  const holders = lists.flatMap((list) => placesAt(document, list.split('.').slice(1, -1)))
  return holders.reduce<unknown>(
    (all, path) => replaced(all, path, (list) => Array.from({ length: times }, () => list as unknown[]).flat()),
    document,
  )
}

/** The document without one of its elements. */
export function without(document: unknown, path: Path): unknown {
  return replaced(document, path.slice(0, -1), (list) => (list as unknown[]).toSpliced(Number(path.at(-1)), 1))
}

const pumps = [
  ' ',
  '\n',
  '\t',
  '[',
  '{',
  '{"a":',
  '"',
  '\\',
  ',',
  '- ',
  '-\n',
  '-',
  '#\n',
  '<!---->',
  '<a>',
  '&a;',
  'é',
  '\0',
  ':',
  '---\n',
  '"":',
  '[]',
  '{}',
  '* ',
  '&a ',
  '? ',
  '""',
  '\r',
  '%',
  '|\n ',
  '(',
  '//',
]
/** A stretch of it, or what parsers are known to be slow at, many times over. */
function blownUp(body: Buffer, random: Random): Buffer {
  const at = random(3) === 0 ? 0 : random(body.length)
  const pump = random(2) === 0 ? Buffer.from(pick(pumps, random)) : body.subarray(at, at + 1 + random(40))
  const times = Math.ceil(pick([3_000, 20_000, 70_000], random) / Math.max(1, pump.length))
  return Buffer.concat([
    body.subarray(0, at),
    ...Array.from({ length: times }, () => pump),
    body.subarray(random(2) === 0 ? at : body.length),
  ])
}
