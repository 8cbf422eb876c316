/**
 * Guarantee 9: an investigation whose process is killed with -9 goes on in the next one where it stood, under the same id. What the model answered is
 * not asked again: calls are counted at the API itself.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { FixedClock } from '../../domain/clock.ts'
import { openDatabase } from '../../store/database.ts'
import { investigationsOf } from '../../store/investigations.ts'
import { ensurePartitions } from '../../store/partitions.ts'
import type { AnalystTask } from '../support/analyst-child.ts'
import { bare, caseIn, emptyReport } from '../support/analyst-site.ts'
import { embeddedDatabase, serverDatabase, serverUrl } from '../support/database.ts'
import { type Asked, messagesApi, type MessagesApi, replies, type Reply } from '../support/messages-api.ts'
import { full } from '../support/sizes.ts'
import { recordStory } from '../support/story.ts'

vi.setConfig({ testTimeout: full ? 7_200_000 : 600_000, hookTimeout: 240_000 })

const clock = new FixedClock('2026-11-23T12:00:00Z')
const program = fileURLToPath(new URL('../support/analyst-child.ts', import.meta.url))
let home: string
let incidentId: string
let api: MessagesApi
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'falconer-kills-'))
  const db = await embeddedDatabase(join(home, 'before'))
  await ensurePartitions(db, clock.now())
  incidentId = (await recordStory(db, clock, 'lab')).id
  await db.close()
  api = await messagesApi()
})
afterAll(async () => {
  await api.close()
  rmSync(home, { recursive: true, force: true })
})

type Outcome = { id: string; status: string; analyst: string; partial: string | null; calls: number }
/** Undefined: it was killed. */
async function run(settings: Record<string, string>, whileRunning: (kill: () => void) => void): Promise<Outcome | undefined> {
  const task: AnalystTask = {
    settings: {
      FALCONER_SCOPE: 'lab',
      FALCONER_LOG: 'silent',
      ANTHROPIC_API_KEY: 'sk-ant-api03-not-a-key-of-anybody-0000000000',
      ANTHROPIC_BASE_URL: api.url,
      ...settings,
    },
    incidentId,
  }
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, JSON.stringify(task)])
  let [output, errors] = ['', '']
  child.stdout.on('data', (part: Buffer) => (output += part.toString()))
  child.stderr.on('data', (part: Buffer) => (errors += part.toString()))
  whileRunning(() => child.kill('SIGKILL'))
  const signal = await new Promise<string | null>((resolve) => {
    child.on('close', (_code, killed) => resolve(killed))
  })
  if (signal === 'SIGKILL') return undefined
  if (output === '') throw new Error(`the investigation ended without a word: ${errors}`)
  return JSON.parse(output) as Outcome
}

/** Killed after its report was kept, but before it could say so: begun again it would be another investigation. */
async function endedBefore(data: string): Promise<Partial<Outcome> | undefined> {
  const db = await openDatabase({ dataDir: data })
  const ended = (await investigationsOf(db, incidentId)).find(({ status }) => status === 'done')
  await db.close()
  return ended?.report == null ? undefined : { status: ended.status, analyst: ended.report.analyst, partial: ended.report.partial }
}

/** Looks twice, hands in a report of which one claim does not hold, mends it. */
const turns: ((asked: Asked) => Reply)[] = [
  () => replies.tools([{ name: 'get_coverage', input: {} }]),
  () => replies.tools([{ name: 'list_alerts', input: { limit: 3 } }]),
  (asked) => replies.structured(report(asked, 'There were 99999 alerts.')),
  (asked) => replies.structured(report(asked, '')),
]
function report(asked: Asked, text: string) {
  const [first] = caseIn(asked).alerts
  const summary = [{ text, kind: 'observation' as const, cites: [`alert:${first?.id}`] }]
  const reasons =
    text === '' ? [] : [{ text: `Rule ⟦${bare(first?.rule)}⟧ fired.`, kind: 'observation' as const, cites: [`alert:${first?.id}`] }]
  return { ...emptyReport, summary, reasons }
}
/** Which turn a request is: by how often the model has answered in it. */
const turnOf = ({ body }: Asked): number => body.messages.filter(({ role }) => role === 'assistant').length

/** Killed when the model is asked for this turn: before it answers, or a while after it has. */
const points = turns.flatMap((_turn, at) => [
  { at, when: 'before' as const, afterMs: 0 },
  ...(full ? [0, 5, 20, 60] : [10]).map((afterMs) => ({ at, when: 'after' as const, afterMs })),
])

it('guarantee 9: killed at every turn, before and after it was answered, it goes on and pays for nothing twice', async ({ task }) => {
  for (const { at, when, afterMs } of points) {
    const told = `killed ${when} turn ${at} was answered (${afterMs} ms)`
    const data = join(home, `at-${at}-${when}-${afterMs}`)
    cpSync(join(home, 'before'), data, { recursive: true })
    const answered: number[] = []
    let kill: (() => void) | null = null
    api.answer((asked) => {
      const turn = turnOf(asked)
      if (turn === at && when === 'before' && kill !== null) {
        kill()
        return replies.hang()
      }
      answered.push(turn)
      if (turn === at && kill !== null) setTimeout(kill, afterMs)
      return (turns[turn] as (typeof turns)[number])(asked)
    })
    const first = await run({ FALCONER_DATA: data }, (now) => {
      kill = now
    })
    // It may have been at its end before it was killed.
    if (first === undefined || when === 'before') expect(first, told).toBeUndefined()
    kill = null
    const whole = first ?? (await endedBefore(data)) ?? (await run({ FALCONER_DATA: data }, () => {}))
    expect(whole, told).toMatchObject({ status: 'done', analyst: 'claude', partial: null })
    // An answer that was on its way when the process died may be lost with it; one that arrived never is.
    const twice = answered.filter((turn, index) => answered.indexOf(turn) !== index)
    expect(
      twice.filter((turn) => turn !== at || when === 'before'),
      told,
    ).toEqual([])
    expect(twice.length, told).toBeLessThanOrEqual(1)
    expect(new Set(answered).size, told).toBe(turns.length)
    rmSync(data, { recursive: true, force: true })
  }
  Object.assign(task.meta, { cases: points.length })
})

it.skipIf(serverUrl === undefined)('guarantee 9: a server that lives keeps its investigation from another', async () => {
  const own = await serverDatabase(serverUrl as string)
  const db = await openDatabase({ url: own.url })
  await ensurePartitions(db, clock.now())
  const here = (await recordStory(db, clock, 'lab')).id
  await db.close()
  const before = incidentId
  incidentId = here
  let second: Promise<Outcome | undefined> | null = null
  const settings = { DATABASE_URL: own.url, FALCONER_DATA: join(home, 'keys') }
  api.answer(async (asked) => {
    second ??= run(settings, () => {}).catch((error: unknown) => ({ refused: String(error) }) as never)
    if (turnOf(asked) === 0) await second
    return (turns[turnOf(asked)] as (typeof turns)[number])(asked)
  })
  expect(await run(settings, () => {})).toMatchObject({ analyst: 'claude', partial: null })
  expect(await second).toMatchObject({ refused: expect.stringMatching(/being investigated by claude since/) as string })
  incidentId = before
  await own.drop()
})
