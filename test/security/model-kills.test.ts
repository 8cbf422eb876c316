/** kill -9 while a model is asked: what comes back goes on where it was, and no answer that had arrived is paid for again. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { embeddedDatabase } from '../support/database.ts'
import { type MessagesApi, messagesApi, replies, type Reply } from '../support/messages-api.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })
const child = fileURLToPath(new URL('../support/model-child.ts', import.meta.url))
let folder = ''
let api: MessagesApi | null = null
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'falconer-kills-'))
  await (await embeddedDatabase(join(folder, 'data'))).close()
})
afterEach(async () => api?.close())
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs it to its end, or until it is killed. */
function start(url: string, args: string[]): { kill(): void; ended: Promise<string> } {
  const env = { PATH: process.env.PATH ?? '', ANTHROPIC_API_KEY: 'sk-ant-api03-nobody-000000000000', ANTHROPIC_BASE_URL: url }
  const running = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, join(folder, 'data'), ...args], { env })
  let said = ''
  running.stdout.on('data', (part: Buffer) => (said += part.toString()))
  running.stderr.on('data', (part: Buffer) => (said += part.toString()))
  return { kill: () => running.kill('SIGKILL'), ended: new Promise((resolve) => running.on('close', () => resolve(said))) }
}

describe.each(['whole', 'stream'])('answers that come %s', (streams) => {
  it('are paid for once each, wherever the process is killed between and within them', async () => {
    const about = randomUUID()
    let current: ReturnType<typeof start> | null = null
    let killed = 0
    let counted = 0
    const answer = (text: string): Reply => ({
      ...(replies.text(text, { input_tokens: 1_000, output_tokens: 10 }) as Reply & { kind: 'message' }),
      pauseMs: 20,
    })
    const killAt = new Set([2, 4])
    const server = await messagesApi(async ({ text }) => {
      const turn = Number(/Turn (\d)/.exec(text)?.[1])
      counted += 1
      // While it waits for this very answer: nothing of it arrived, so it is asked again.
      if (killAt.delete(turn)) {
        current?.kill()
        killed += 1
        return replies.hang()
      }
      return answer(`answer ${turn}`)
    })
    api = server
    let said = ''
    for (let run = 0; run < 6 && !said.includes('spent'); run += 1) {
      current = start(server.url, [about, streams])
      said = await current.ended
    }
    expect(killed).toBe(2)
    expect(said.match(/turn \d: answer \d/g)).toEqual([1, 2, 3, 4, 5].map((turn) => `turn ${turn}: answer ${turn}`))
    const asked = server.asked.map(({ text }) => Number(/Turn (\d)/.exec(text)?.[1]))
    expect(asked, 'only what had no answer was asked twice').toEqual([1, 2, 2, 3, 4, 4, 5])
    expect(counted).toBe(7)
    const spent = JSON.parse(/spent (.*)/.exec(said)?.[1] ?? '{}') as Record<string, number>
    expect(spent).toMatchObject({ calls: 7, inputTokens: 5_000, outputTokens: 50 })
    // And once more, from its beginning: nothing is asked at all.
    const again = await start(server.url, [about, streams]).ended
    expect(again.match(/turn \d: answer \d/g)).toHaveLength(5)
    expect(server.asked).toHaveLength(7)
  })
})
