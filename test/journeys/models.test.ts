/** Which model would be asked, as `falconer doctor` says it: for what, where, for how much at most; and never its key. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { beginCall, endCall } from '../../store/model-calls.ts'
import { embeddedDatabase } from '../support/database.ts'
import { runToEnd } from '../support/process.ts'

const folder = mkdtempSync(join(tmpdir(), 'falconer-models-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const key = 'sk-ant-api03-of-nobody-at-all-0123456789'

type Checks = { ok: boolean; checks: { name: string; state: string; text: string }[] }
async function doctor(env: Record<string, string>, ...flags: string[]) {
  const { output, errors } = await runToEnd(['doctor', '--json', ...flags], { FALCONER_DATA: join(folder, 'data'), ...env })
  expect(output + errors).not.toContain(key)
  const { checks } = JSON.parse(output) as Checks
  return (name: string) => checks.find((one) => one.name === name)
}

describe('falconer doctor', { timeout: 120_000 }, () => {
  it('says which model, where, what it cost this month, and that there is none', async () => {
    const db = await embeddedDatabase(join(folder, 'data'))
    const call = {
      about: '0198c0de-0000-7000-8000-000000000000',
      use: 'chat',
      provider: 'anthropic',
      model: 'm',
      requestHash: Buffer.from('x'),
    }
    const cost = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, usd: 2.5, ms: 0 }
    await endCall(db, await beginCall(db, call, new Date()), { status: 200, cost, answer: null, error: null }, new Date())
    await db.close()

    const claude = await doctor({ ANTHROPIC_API_KEY: key, FALCONER_MODEL_USD_MONTH: '2' })
    expect(claude('model')).toMatchObject({
      state: 'ok',
      text: expect.stringMatching(/^anthropic\/claude-sonnet-5-5 at api\.anthropic\.com investigates/),
    })
    expect(claude('model costs')).toMatchObject({ state: 'note', text: expect.stringMatching(/^2\.50 of 2 USD this month: none is asked/) })

    const local = await doctor({ FALCONER_MODEL_URL: 'http://localhost:11434/v1', FALCONER_MODEL: 'qwen3', FALCONER_MODEL_KEY: key })
    expect(local('model')).toMatchObject({ state: 'note', text: expect.stringMatching(/^openai\/qwen3 at localhost:11434 .*not known/) })

    const none = await doctor({ ANTHROPIC_API_KEY: key }, '--no-model')
    expect(none('model')).toMatchObject({ state: 'note', text: expect.stringContaining('FALCONER_NO_MODEL') })
    expect(none('model costs')).toBeUndefined()
  })
})
