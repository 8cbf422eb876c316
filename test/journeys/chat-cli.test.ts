/** `falconer chat`: beside a server and on the folder itself, one question and many; and what a killed server leaves unanswered can be asked again. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ThreadAnswer, TurnRow } from '../../apps/cli/chat-text.ts'
import { createToken, invite } from '../../auth/people.ts'
import { systemClock } from '../../domain/clock.ts'
import { systemPrincipal } from '../../domain/principal.ts'
import { embeddedDatabase } from '../support/database.ts'
import { type MessagesApi, messagesApi, replies } from '../support/messages-api.ts'
import { run, runHere, type Running, runToEnd } from '../support/process.ts'

const alerts = 'evals/scenarios/shop-checkout-intrusion/alerts.jsonl'

describe('falconer chat', { timeout: 240_000 }, () => {
  let folder: string
  let token: string
  let server: Running | null = null
  let api: MessagesApi
  beforeAll(async () => {
    api = await messagesApi(() => replies.hang())
    folder = await mkdtemp(join(tmpdir(), 'falconer-chat-'))
    const db = await embeddedDatabase(folder)
    const context = { db, clock: systemClock }
    const by = { principal: systemPrincipal, channel: 'cli' } as const
    const { user } = await invite(context, by, 'Ada', 'viewer')
    ;({ token } = await createToken(context, by, { userId: user.id, name: 'tests', role: 'viewer', days: 1 }))
    await db.close()
    await runHere(['--data', folder, 'import', alerts, '--cluster', 'lab'])
  }, 240_000)
  afterAll(async () => {
    server?.child.kill('SIGKILL')
    await server?.ended
    await api.close()
    await rm(folder, { recursive: true, force: true })
  })
  const falconer = (args: readonly string[], env: Record<string, string> = {}): ReturnType<typeof runHere> =>
    runHere(['--data', folder, ...args], env)

  it('answers on the folder itself, with footnotes, in JSON, and says when it is used wrongly', async () => {
    const { code, output } = await falconer(['chat', 'which', 'incidents', 'are', 'open'])
    expect(code).toBe(0)
    expect(output).toMatch(/· 1 open incident\. \[1\]\n {2}· “inc-[0-9a-f]{10}”, critical: /)
    expect(output).toMatch(/\[1\] incident http:\/\/localhost:\d+\/incidents\/[0-9a-f-]{36}/)
    expect(output).toContain('no model was asked')
    const json = await falconer(['chat', '--json', 'is anything silent?'])
    expect(JSON.parse(json.output)).toMatchObject({ turn: { question: 'is anything silent?', state: 'answered', answer: { by: 'rules' } } })
    expect(await falconer(['chat', '--thread', 'x', '--incident', 'inc-0000000000', 'what?'])).toMatchObject({ code: 2 })
    expect(await falconer(['chat', '--incident', 'inc-0000000000', 'what happened?'])).toMatchObject({
      code: 1,
      errors: expect.stringContaining('There is no incident') as string,
    })
    expect(await falconer(['chat', 'x'.repeat(2_001)])).toMatchObject({ code: 2 })
  })

  it('takes one question after another from a pipe', async () => {
    const { code, output, errors } = await runToEnd(
      ['--data', folder, 'chat'],
      {},
      'which incidents are open?\n\nwhat happened in the first one?\n',
    )
    expect({ code, errors }).toMatchObject({ code: 0 })
    expect(output).toContain('1 open incident')
    expect(output).toContain('One process started the next')
    expect(errors).toMatch(/Go on with: falconer chat --thread [0-9a-f-]{36}/)
    expect(errors).not.toMatch(/ {4}at /)
  })

  const start = async (env: Record<string, string>): Promise<string> => {
    server = run(['--data', folder, 'serve', '--port', '0'], { FALCONER_LOG: 'warn', ...env })
    await server.says(/Ctrl-C stops it/, 200_000)
    return (/serves at (\S+)/.exec(server.output()) as RegExpExecArray)[1] as string
  }
  const call = async <T>(url: string, path: string, json?: unknown): Promise<T> => {
    const init = json === undefined ? {} : { method: 'POST', body: JSON.stringify(json) }
    const answer = await fetch(`${url}/api/v1${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    })
    return (await answer.json()) as T
  }

  it('leaves a question unanswered when the server is killed, and answers it when it is asked again', async () => {
    const model = { ANTHROPIC_API_KEY: 'sk-ant-api03-not-a-key-of-anybody-0000000000', ANTHROPIC_BASE_URL: api.url }
    const first = await start(model)
    const { id } = await call<{ id: string }>(first, '/threads', {})
    await call(first, `/threads/${id}/questions`, { text: 'Which incidents are open?' })
    await call(first, `/threads/${id}/questions`, { text: 'Is anything silent?' })
    await expect.poll(() => api.asked.length, { timeout: 60_000 }).toBeGreaterThan(0)
    expect((await call<ThreadAnswer>(first, `/threads/${id}`)).turns.map(({ state }) => state)).toEqual(['working', 'waiting'])
    server?.child.kill('SIGKILL')
    await server?.ended
    const second = await start({ ...model, FALCONER_NO_MODEL: '1' })
    const { turns } = await call<ThreadAnswer>(second, `/threads/${id}`)
    expect(turns).toMatchObject(
      [1, 2].map(() => ({ state: 'unanswered', answer: null, error: expect.stringContaining('Ask it again') as string })),
    )
    const { turn } = await call<{ turn: TurnRow }>(second, `/threads/${id}/questions/1/again`, { wait: 30 })
    expect(turn).toMatchObject({ number: 3, question: 'Which incidents are open?', state: 'answered' })
    const { code, output } = await falconer(['chat', '--thread', id, 'what happened in the first one?'], { FALCONER_TOKEN: token })
    expect({ code, output }).toMatchObject({ code: 0, output: expect.stringContaining('One process started the next') as string })
    expect((await call<ThreadAnswer>(second, `/threads/${id}`)).turns).toHaveLength(4)
  })
})
