/**
 * A question of chat whose process is killed with -9 is left unanswered. Asked again, it goes through what was answered before as the ledger has it: calls are
 * counted at the API itself, and none whose answer had arrived is made, or paid for, again.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { SaidAnswer } from '../../agent/chat/said-answer.ts'
import { systemClock } from '../../domain/clock.ts'
import type { Turn } from '../../domain/chat.ts'
import type { Incident } from '../../domain/incident.ts'
import { listEntities } from '../../store/entities.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import { ensurePartitions } from '../../store/partitions.ts'
import { listProposals } from '../../store/proposals.ts'
import type { ChatTask } from '../support/chat-child.ts'
import { embeddedDatabase, serverDatabase, serverUrl } from '../support/database.ts'
import { type Asked, messagesApi, type MessagesApi, replies, type Reply } from '../support/messages-api.ts'
import { full } from '../support/sizes.ts'
import { recordStory } from '../support/story.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 240_000 })

const program = fileURLToPath(new URL('../support/chat-child.ts', import.meta.url))
const kinds = serverUrl === undefined ? (['embedded'] as const) : (['embedded', 'server'] as const)

describe.each(kinds)('a question of chat on the %s database', (kind) => {
  let home: string
  let url: string | null = null
  let drop = async (): Promise<void> => {}
  let incident: Incident
  let pod: string
  let api: MessagesApi
  const open = (): Promise<Database> => (url === null ? embeddedDatabase(join(home, 'data')) : openDatabase({ url }))
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'falconer-chat-kills-'))
    if (kind === 'server') ({ url, drop } = await serverDatabase(serverUrl as string))
    const db = await open()
    await ensurePartitions(db, systemClock.now())
    incident = await recordStory(db, systemClock, 'lab')
    pod = String((await listEntities(db, { kind: 'pod', limit: 50 })).find(({ origin }) => origin === 'inventory')?.id)
    await db.close()
    api = await messagesApi()
  })
  afterAll(async () => {
    await api.close()
    await drop()
    rmSync(home, { recursive: true, force: true })
  })

  /** `turn` undefined: it was killed. */
  type Outcome = { thread: string; turn: Turn | undefined }
  async function run(given: Partial<ChatTask>, whileRunning: (kill: () => void) => void = () => {}): Promise<Outcome> {
    const settings = {
      FALCONER_SCOPE: 'lab',
      FALCONER_LOG: 'silent',
      FALCONER_DATA: join(home, 'data'),
      ANTHROPIC_API_KEY: 'sk-ant-api03-not-a-key-of-anybody-0000000000',
      ANTHROPIC_BASE_URL: api.url,
      ...(url === null ? {} : { DATABASE_URL: url }),
    }
    const task: ChatTask = { settings, thread: null, text: 'What happened?', earlier: 'Which incidents are open?', again: false, ...given }
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, JSON.stringify(task)])
    let [output, errors] = ['', '']
    child.stdout.on('data', (part: Buffer) => (output += part.toString()))
    child.stderr.on('data', (part: Buffer) => (errors += part.toString()))
    whileRunning(() => child.kill('SIGKILL'))
    const signal = await new Promise<string | null>((resolve) => {
      child.on('close', (_code, killed) => resolve(killed))
    })
    const [thread = '', turn] = output.split('\n')
    if (signal === 'SIGKILL') return { thread, turn: undefined }
    if (turn === undefined || turn === '') throw new Error(`the question ended without a word: ${errors}`)
    return { thread, turn: JSON.parse(turn) as Turn }
  }

  const say = (text: string): SaidAnswer['sentences'][number] => ({ text, kind: 'observation', cites: [`incident:${incident.id}`] })
  const answering = (...sentences: SaidAnswer['sentences']): Reply => replies.structured({ sentences, unknowns: [], follow_ups: [] })
  const truth = (): SaidAnswer['sentences'][number] => say(`⟦${incident.title}⟧ is ⟦open⟧.`)
  /** Looks three times, hands in an answer of which one sentence does not hold, mends it. */
  const script: (() => Reply)[] = [
    () =>
      replies.tools([
        { name: 'get_coverage', input: {} },
        { name: 'list_incidents', input: { state: 'open' } },
      ]),
    () => replies.tools([{ name: 'get_case_file', input: { incident: incident.id } }], 'What does the case say?'),
    () =>
      replies.tools([
        { name: 'get_incident', input: { incident: incident.id } },
        { name: 'search', input: { query: 'checkout' } },
      ]),
    () => answering(truth(), say('There were 99999 alerts.')),
    () => answering(truth()),
  ]
  /** Which turn a request is: by how often the model has answered in it, without what was asked before it in the thread. */
  const turnOf = ({ body }: Asked): number => body.messages.filter(({ role }) => role === 'assistant').length - 1

  /** Killed at this turn, before or after it was answered, and asked again. */
  async function killedAt(at: number, when: 'before' | 'after', turns: readonly (() => Reply)[], given: Partial<ChatTask> = {}) {
    const answered: number[] = []
    let kill: (() => void) | null = null
    api.answer((asked) => {
      const turn = turnOf(asked)
      if (turn === at && when === 'before' && kill !== null) {
        kill()
        return replies.hang()
      }
      answered.push(turn)
      if (turn === at && kill !== null) setTimeout(kill, full ? Math.random() * 60 : 15)
      return (turns[turn] as () => Reply)()
    })
    const first = await run(given, (now) => {
      kill = now
    })
    kill = null
    const turn = first.turn ?? (await run({ ...given, thread: first.thread, again: true })).turn
    return { killed: first.turn === undefined, turn, answered }
  }

  const points = script.flatMap((_turn, at) => [
    { at, when: 'before' as const },
    { at, when: 'after' as const },
  ])
  const few = kind === 'embedded' ? ['after 1', 'after 3', 'before 4'] : ['after 2']
  const some = full ? points : points.filter(({ at, when }) => few.includes(`${when} ${at}`))

  it.each(some)('killed $when turn $at was answered, it pays for nothing twice', async ({ at, when }) => {
    const { killed, turn, answered } = await killedAt(at, when, script)
    if (when === 'before') expect(killed).toBe(true)
    expect(turn).toMatchObject({
      state: 'answered',
      error: null,
      answer: { partial: null, by: expect.stringMatching(/^anthropic/) as string },
    })
    expect(turn?.answer?.claims).toMatchObject([{ grounded: true }])
    const twice = answered.filter((one, index) => answered.indexOf(one) !== index)
    // An answer that was on its way when the process died may be lost with it; one that arrived never is.
    expect(when === 'after' ? twice.filter((one) => one !== at) : twice, `answered ${answered.join()}`).toEqual([])
    expect(twice.length).toBeLessThanOrEqual(1)
    expect(new Set(answered).size).toBe(script.length)
  })

  it('which proposed something before it was killed has proposed it once', async () => {
    const reason = `alert of ${incident.id}`
    const turns = [
      () => replies.tools([{ name: 'propose_action', input: { action: 'kubernetes.isolate_pod', entity: pod, params: {}, reason } }]),
      () => answering(truth()),
    ]
    const { killed, turn, answered } = await killedAt(1, 'before', turns, { text: 'Please isolate that pod' })
    expect(killed).toBe(true)
    expect(turn).toMatchObject({ state: 'answered', answer: { partial: null } })
    expect(turn?.answer?.links.map(({ path }) => path).join()).toContain('/proposals/')
    expect(answered).toEqual([0, 1])
    const db = await openDatabase(url === null ? { dataDir: join(home, 'data') } : { url })
    expect((await listProposals(db, {}, 20)).map(({ action }) => action)).toEqual(['kubernetes.isolate_pod'])
    await db.close()
  })
})
