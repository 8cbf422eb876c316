import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { readInput } from '../../collectors/read.ts'
import { InputError } from '../../domain/errors.ts'
import { serverUrl } from '../support/database.ts'
import { fuzzedBody, inParts } from '../support/fuzz-bodies.ts'
import { oddBodies } from '../support/fuzz-odd.ts'
import { post } from '../support/ingest-load.ts'
import { prepareHome, serveAt } from '../support/ingest-server.ts'
import { full, seed } from '../support/sizes.ts'

type Answer = Record<string, unknown> & { accepted: number; duplicates: number; internal: number; deadLetters: number }
const source = { sourceId: null, sourceName: 's', scope: 'lab', receivedNs: 0n }
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
/** Megabytes of resident memory, at most so far. */
const mostResident = (pid: number): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024

/** `read` null: it is refused; what came before the fault is stored. */
type Expected = { read: number | null; dead: string[]; records: Map<string, Uint8Array> }
/** What reading it here gives. */
async function expectedOf(body: Buffer): Promise<Expected> {
  const expected: Expected = { read: null, dead: [], records: new Map() }
  try {
    const counts = await readInput(inParts(body, 1), {
      path: 'x',
      format: 'falco',
      strict: true,
      maxBytes: 32 * 1024 * 1024,
      source,
      onBatch: async ({ records, deadLetters }) => {
        expected.dead.push(...deadLetters.map(({ bytes }) => digest(bytes)))
        for (const record of records) if (record.kind === 'alert') expected.records.set(record.alert.contentKey, record.alert.raw)
      },
    })
    return { ...expected, read: counts.read }
  } catch (error) {
    if (error instanceof InputError) return expected
    throw error
  }
}

/** Made and read once for both databases: some have hundreds of megabytes. */
const odd = new Map<string, Promise<{ made: Buffer; due: Expected }>>()
function oddOf(name: string, body: () => Buffer): Promise<{ made: Buffer; due: Expected }> {
  const known = odd.get(name)
  if (known !== undefined) return known
  const made = body()
  const fresh = expectedOf(made).then((due) => ({ made, due }))
  odd.set(name, fresh)
  return fresh
}

describe.each(['embedded', ...(serverUrl === undefined ? [] : ['server' as const])] as const)('A real server, %s database', (kind) => {
  it(
    'guarantee 28: malformed input is never dropped in silence: every body is answered with what became of it, and that is what is stored',
    { timeout: 3_600_000 },
    async ({ task }) => {
      const home = await prepareHome(kind)
      const served = serveAt(home)
      try {
        const url = await served.address
        if (url === null) throw new Error(`it did not start: ${served.output()}`)
        // A connection each: one that is kept alive is closed while the next body is being made.
        const agent = new Agent({ keepAlive: false })
        const send = async (
          body: Buffer,
          headers: Record<string, string> = {},
        ): Promise<{ status: number; type: string; answer: Answer }> => {
          const { status, headers: told, text } = await post(url, body, agent, headers)
          return { status, type: String(told['content-type']), answer: JSON.parse(text) as Answer }
        }
        const pid = served.child.pid ?? 0
        const idle = mostResident(pid)
        const dead = new Set<string>()
        const records = new Map<string, Uint8Array>()
        for (const { name, body, headers, status = 200, counts = {}, says } of oddBodies) {
          const { made, due: foreseen } = await oddOf(name, body)
          const told = await send(made, headers)
          const words = String(told.status === 200 ? (told.answer.firstDeadLetter ?? '') : told.answer.detail)
          const due = status === 200 ? { accepted: 0, duplicates: 0, internal: 0, deadLetters: 0, ...counts } : {}
          expect({ name, status: told.status, ...told.answer }).toMatchObject({ name, status, ...due })
          if (says !== undefined) expect(`${name}: ${words}`).toMatch(says)
          else expect(`${name}: ${words}`).toBe(`${name}: `)
          if (status !== 200) expect(told.type).toMatch(/^application\/problem\+json/)
          // A packing that is not read is refused before a byte is.
          if (!words.includes('Content-Encoding')) note(foreseen)
        }
        // Four times what it holds idle would not be small any more.
        expect(mostResident(pid) / idle).toBeLessThan(4)

        // A slow machine may say that it is too much at once: whoever sent it comes back.
        const sendUntilTaken = async (body: Buffer): ReturnType<typeof send> => {
          const told = await send(body)
          if (told.status !== 503) return told
          await new Promise((resume) => setTimeout(resume, 500))
          return sendUntilTaken(body)
        }
        const count = full ? 20_000 : kind === 'embedded' ? 100 : 300
        let next = 0
        await Promise.all(
          Array.from({ length: 8 }, async () => {
            while (next < count) {
              const number = (seed * 7_919 + (next += 1)) >>> 0
              const body = fuzzedBody(number)
              const [told, due] = [await sendUntilTaken(body), await expectedOf(body)]
              const { accepted, duplicates, internal, deadLetters } = told.answer
              const read = told.status === 200 ? accepted + duplicates + internal + deadLetters : null
              if (read !== due.read || (told.status !== 200 && told.status !== 400))
                throw new Error(
                  `body ${number}: ${told.status} ${JSON.stringify(told.answer)}, ${due.read} due\n${JSON.stringify(body.toString('latin1'))}`,
                )
              note(due)
            }
          }),
        )
        function note(due: Expected): void {
          for (const one of due.dead) dead.add(one)
          for (const [key, raw] of due.records) if (!records.has(key)) records.set(key, raw)
        }
        expect(served.child.exitCode).toBeNull()
        await served.kill()
        const db = await home.open()
        const letters = await db.query(
          sql<{ digest: Buffer; place: string; reason: string }>`select digest, place, reason from dead_letters`,
        )
        const unforeseen = letters.filter((letter) => letter.reason === '' || !dead.has(letter.digest.toString('hex')))
        expect(unforeseen.map(({ place, reason }) => `${place}: ${reason}`)).toEqual([])
        expect(new Set(letters.map((letter) => letter.digest.toString('hex'))).size).toBe(dead.size)
        const stored = await db.query(sql<{ key: Buffer; raw: Buffer }>`select content_key as key, raw from alerts`)
        expect(new Set(stored.map(({ key }) => key.toString('hex')))).toEqual(new Set(records.keys()))
        await db.close()
        Object.assign(task.meta, { cases: count + oddBodies.length })
      } finally {
        await served.kill()
        await home.drop()
      }
    },
  )
})
