/** Bodies for fuzzing: damaged in the ways wires, disks, shippers and people do; of Falco’s alerts in every shape. The same number gives the same body. */
import { gzipSync } from 'node:zlib'
import { shapes } from './fuzz-shapes.ts'

export type Random = (below: number) => number
type Another = (random: Random) => Buffer
type Mutation = (body: Buffer, random: Random, another: Another) => Buffer

/** mulberry32: small, and the same everywhere. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % Math.max(1, below)
  }
}

export const pick = <T>(from: readonly T[], random: Random): T => from[random(from.length)] as T
const spliced = (body: Buffer, at: number, removed: number, put: Buffer): Buffer =>
  Buffer.concat([body.subarray(0, at), put, body.subarray(at + removed)])
const structural = [...'{}[]",:\\\n\r\t \0'].map((one) => Buffer.from(one))
const oddities = [
  '\ufeff',
  '""',
  '"{""',
  '\\u0000',
  '\\ud800',
  '1e400',
  '-0',
  'null',
  '{"rule":1}',
  '{"__proto__":{"rule":"x"}}',
  '"rule":"twice",',
  '[{',
  '}]',
  '{"log":"{\\"rule\\":',
  '[[[[[[[[',
  '{"a":'.repeat(70),
  'x{y} ',
  '12:',
]
  .map((text) => Buffer.from(text))
  .concat([
    Buffer.from([0xff]),
    Buffer.from([0xc0, 0x80]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from([0xff, 0xfe]),
    Buffer.from([0x1f, 0x8b]),
  ])
/** A place in the body; half of them beside a byte that means something. */
function place(body: Buffer, random: Random): number {
  const at = random(body.length + 1)
  const found = random(2) === 0 ? body.indexOf(pick(structural, random), at) : -1
  return found < 0 ? at : found
}

const mutations: readonly Mutation[] = [
  (body, random) => {
    const flipped = Buffer.from(body)
    const at = random(body.length)
    if (body.length > 0) flipped[at] = (flipped[at] ?? 0) ^ (1 << random(8))
    return flipped
  },
  (body, random) => body.subarray(0, place(body, random)),
  (body, random) => body.subarray(place(body, random)),
  (body, random) => spliced(body, place(body, random), 0, pick(structural, random)),
  (body, random) => spliced(body, place(body, random), 1, Buffer.alloc(0)),
  (body, random) => spliced(body, place(body, random), random(40), pick(oddities, random)),
  (body, random) => spliced(body, place(body, random), 0, pick(oddities, random)),
  (body, random) => {
    const from = random(body.length)
    return spliced(body, from, 0, body.subarray(from, from + 1 + random(60)))
  },
  (body, random, another) => Buffer.concat([body.subarray(0, place(body, random)), another(random).subarray(random(200))]),
  (body, random, another) => Buffer.concat([body, pick(structural, random), another(random)]),
  (body) => Buffer.from(body.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'),
  (body, random) => Buffer.from(body.toString('latin1').replaceAll(/^/gm, `${random(99)}:`), 'latin1'),
  (body) => Buffer.from(JSON.stringify({ log: body.toString() })),
  (body) => Buffer.from(`x\t"${body.toString('latin1').replaceAll('"', '""')}"\ty`, 'latin1'),
  (body, random) => Buffer.concat([Buffer.from('['.repeat(1 + random(3))), body, Buffer.from(']'.repeat(random(3)))]),
  (body, random) => (random(2) === 0 ? Buffer.from(body.toString(), 'utf16le') : Buffer.from(body.toString(), 'utf16le').swap16()),
  (body, random) => (random(4) === 0 ? gzipSync(body, { level: 1 }) : Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body])),
]

/** Damaged in one to four ways. `another`: what may come behind it, or in the middle. */
export function damagedBytes(whole: Buffer, random: Random, another: Another): Buffer {
  let body = whole
  for (let left = 1 + random(4); left > 0; left -= 1) body = pick(mutations, random)(body, random, another)
  return body.length > 60_000 ? body.subarray(0, 60_000) : body
}

export function fuzzedBody(seed: number): Buffer {
  const random = randomOf(seed)
  const another = (by: Random): Buffer => pick(shapes, by).body
  return damagedBytes(another(random), random, another)
}

/** In parts, cut where the number says; for what must not depend on how it comes. */
export async function* inParts(body: Buffer, seed: number): AsyncIterable<Uint8Array> {
  const random = randomOf(seed ^ 0x5bd1e995)
  const most = pick([1 + (body.length >> 3), 4_096, 1 << 20], random)
  for (let at = 0; at < body.length;) {
    const end = at + 1 + random(most)
    yield body.subarray(at, end)
    at = end
  }
}
