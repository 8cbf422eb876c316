/**
 * The lexical hashing embedder: words, their stems and their parts, hashed into a vector. It knows no meaning, sends nothing anywhere, and finds what is
 * written a little otherwise; what it gains over words alone was measured (docs/adr/0018-knowledge.md).
 */
import { createHash } from 'node:crypto'
import type { Embedder } from './embedder.ts'

/** A row of so many stays in its table's page, where it is read fast. */
const dimensions = 256

export const lexical: Embedder = { name: 'lexical 1', leastWords: 2, embed: async (texts) => texts.map(lexicalVector) }

function lexicalVector(text: string): number[] {
  const vector = Array.from({ length: dimensions }, () => 0)
  const counts = new Map<string, number>()
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}._/-]*/gu) ?? [])
    for (const [feature, weight] of featuresOf(word)) counts.set(feature, (counts.get(feature) ?? 0) + weight)
  for (const [feature, count] of counts) {
    const hash = createHash('md5').update(feature).digest()
    const place = hash.readUInt32LE(0) % dimensions
    vector[place] = (vector[place] ?? 0) + ((hash[4] ?? 0) & 1 ? 1 : -1) * Math.sqrt(count)
  }
  const length = Math.hypot(...vector)
  // Nothing that can be told apart from anything: far from all alike.
  return length === 0 ? vector.fill(1 / Math.sqrt(dimensions)) : vector.map((value) => value / length)
}

const stop = new Set(
  'a an the of to in on is was are be it its that this what which who and or not no for with by from at as do does did i we our us how why where when have has had there'.split(
    ' ',
  ),
)

function featuresOf(word: string): [string, number][] {
  if (stop.has(word)) return []
  const stem = word.replace(/(?:ies|ing|ed|es|s)$/, '')
  const marked = `^${word}$`
  const parts = Array.from({ length: Math.max(0, marked.length - 3) }, (_each, at): [string, number] => [
    `4 ${marked.slice(at, at + 4)}`,
    0.2,
  ])
  return [[`w ${stem.length >= 3 ? stem : word}`, 1], ...parts]
}
