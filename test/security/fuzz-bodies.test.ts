import { describe, expect, it } from 'vitest'
import { findDocuments } from '../../collectors/documents.ts'
import { readInput, type ReadCounts } from '../../collectors/read.ts'
import { InputError } from '../../domain/errors.ts'
import { type HandedOut, plainBytes, unaccounted } from '../support/fuzz-account.ts'
import { fuzzedBody, inParts } from '../support/fuzz-bodies.ts'
import { cases, seed } from '../support/sizes.ts'

const source = { sourceId: null, sourceName: 's', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n }
type Read = { counts: ReadCounts; pieces: (HandedOut & { key: string | null })[] }

async function read(
  body: Buffer,
  number: number,
  options: { strict: boolean; format?: string; maxDeadLetters?: number },
): Promise<Read | InputError> {
  const pieces: Read['pieces'] = []
  try {
    const counts = await readInput(inParts(body, number), {
      path: 'body',
      source,
      ...options,
      // One piece a batch, so that they come in the order of the input.
      batchSize: 1,
      onBatch: async ({ records, deadLetters }) => {
        for (const record of records) {
          if (record.kind === 'alert') pieces.push({ bytes: record.alert.raw, key: record.alert.contentKey })
          if (record.kind === 'internal') pieces.push({ bytes: record.raw, key: record.contentKey })
        }
        for (const { bytes, reason } of deadLetters) pieces.push({ bytes, reason, key: null })
      },
    })
    return { counts, pieces }
  } catch (error) {
    if (error instanceof InputError) return error
    throw error
  }
}

/** Null, or what is wrong with how this body was read. */
async function wrongWith(number: number): Promise<string | null> {
  const body = fuzzedBody(number)
  const strict = await read(body, number, { strict: true, format: 'falco' })
  if (strict instanceof InputError) return strict.message.startsWith('the gzip data is broken') ? brokenGzip(body) : strict.message
  const { counts, pieces } = strict
  const wrong = unaccounted(plainBytes(body), pieces)
  if (wrong !== null) return wrong
  if (pieces.some(({ key, reason }) => key === null && !reason)) return 'a dead letter without a reason'
  if (counts.read !== pieces.length || counts.records + counts.internal + counts.deadLetters !== counts.read)
    return `counts do not add up: ${JSON.stringify(counts)}`
  // As a file, with the format found out: the same records, and no text is counted as anything else.
  if (number % 8 !== 0) return number % 8 === 1 ? wrongBounded(body, number, strict) : null
  const lenient = await read(body, number + 1, { strict: false, ...(number % 16 === 0 ? {} : { format: 'falco' }) })
  if (lenient instanceof InputError)
    return number % 16 === 0 && /name it with --format|it is empty/.test(lenient.message) ? null : lenient.message
  if (lenient.counts.format !== 'falco') return null
  const keys = (of: Read): string => of.pieces.flatMap(({ key }) => key ?? []).join()
  if (keys(lenient) !== keys(strict)) return 'read as a file it holds other records'
  return lenient.counts.read + lenient.counts.skipped === counts.read ? null : 'read as a file it holds other pieces'
}

/** With its dead letters put together: the records are the same, and each byte is in the one that stands for the others. */
async function wrongBounded(body: Buffer, number: number, { pieces }: Read): Promise<string | null> {
  const most = number % 3
  const bounded = await read(body, number, { strict: true, format: 'falco', maxDeadLetters: most })
  if (bounded instanceof InputError) return bounded.message
  const records = (of: Read['pieces']): string => JSON.stringify(of.filter(({ key }) => key !== null))
  if (records(bounded.pieces) !== records(pieces)) return 'with dead letters put together it holds other records'
  const dead = pieces.filter(({ key }) => key === null)
  const rest = dead.slice(most)
  const letters = bounded.pieces.filter(({ key }) => key === null)
  if (letters.length !== Math.min(dead.length, most + 1)) return `${letters.length} dead letters for ${dead.length}`
  if (rest.length === 0) return null
  const bytes = Buffer.concat(rest.map((one) => one.bytes))
  const last = letters.at(-1)
  return last !== undefined &&
    bytes.equals(last.bytes) &&
    last.reason?.startsWith(`${rest.length} pieces of ${bytes.length} bytes`) === true
    ? null
    : `the dead letter for ${rest.length} others is another: ${last?.reason}`
}

function brokenGzip(body: Buffer): string | null {
  try {
    plainBytes(body)
    return 'whole gzip was refused'
  } catch {
    return null
  }
}

describe('Damaged input', () => {
  it(
    'guarantee 28: malformed input is never dropped in silence: of every body each byte is in a record, a dead letter with its reason, or a counted text',
    { timeout: 7_200_000 },
    async ({ task }) => {
      const count = cases(1_000_000)
      const kinds = { records: 0, deadLetters: 0 }
      const from = (seed * 1_000_003) >>> 0
      for (let index = 0; index < count; index += 1) {
        const number = (from + index) >>> 0
        const wrong = await wrongWith(number)
        if (wrong !== null) throw new Error(`body ${number}: ${wrong}\n${JSON.stringify(fuzzedBody(number).toString('latin1'))}`)
        if (index % 100 === 0) {
          const result = await read(fuzzedBody(number), number, { strict: true, format: 'falco' })
          if (result instanceof InputError) continue
          kinds.records += result.counts.records
          kinds.deadLetters += result.counts.deadLetters
        }
      }
      // What is damaged beyond any use, or not at all, would prove nothing.
      expect(kinds.records).toBeGreaterThan(count / 400)
      expect(kinds.deadLetters).toBeGreaterThan(count / 400)
      Object.assign(task.meta, { cases: count })
    },
  )

  it('says how many bytes of what is too large it did not keep', { timeout: 600_000 }, async () => {
    const limits = { maxBytes: 300, pieceBytes: 64 }
    let cut = 0
    for (let number = 0; number < cases(40_000); number += 1) {
      const body = fuzzedBody(number)
      const found = await Array.fromAsync(findDocuments(inParts(body, number), limits))
      const wrong = unaccounted(body, found)
      if (wrong !== null) throw new Error(`body ${number}: ${wrong}\n${JSON.stringify(body.toString('latin1'))}`)
      cut += found.filter(({ reason }) => reason.includes('not kept')).length
      for (const { kind, bytes } of found)
        if (kind !== 'document' && bytes.length > 64) throw new Error(`body ${number}: kept ${bytes.length}`)
    }
    expect(cut).toBeGreaterThan(50)
  })

  it('would be found out if it lost anything: a byte, a prefix, a piece, or the order', async () => {
    let planted = 0
    for (let number = 0; number < 400; number += 1) {
      const result = await read(fuzzedBody(number), number, { strict: true, format: 'falco' })
      if (result instanceof InputError) continue
      const input = plainBytes(fuzzedBody(number))
      const pieces: HandedOut[] = result.pieces.filter(({ bytes, reason }) => bytes.length > 0 && reason?.includes('not kept') !== true)
      expect(unaccounted(input, pieces)).toBeNull()
      for (const [index, piece] of pieces.entries()) {
        const instead = (...put: HandedOut[]): HandedOut[] => pieces.toSpliced(index, 1, ...put)
        const brace = Buffer.from(piece.bytes).indexOf(0x7b)
        const lossy: (HandedOut[] | null)[] = [
          /[^\s[\],]/.test(Buffer.from(piece.bytes).toString('latin1')) ? instead() : null,
          instead(piece, piece),
          /[^\s[\],]$/.test(Buffer.from(piece.bytes).toString('latin1')) ? instead({ bytes: piece.bytes.subarray(0, -1) }) : null,
          brace > 0 && /[^\s[\],]/.test(Buffer.from(piece.bytes.subarray(0, brace)).toString('latin1'))
            ? instead({ bytes: piece.bytes.subarray(brace) })
            : null,
        ]
        for (const [kind, one] of lossy.entries()) {
          if (one === null) continue
          // What is left out may be there once more, further on.
          if (unaccounted(input, one) !== null) planted += 1
          else if (kind !== 1)
            throw new Error(`body ${number}, piece ${index}, loss ${kind} was not seen: ${JSON.stringify(input.toString('latin1'))}`)
        }
      }
    }
    expect(planted).toBeGreaterThan(1_000)
  })
})
