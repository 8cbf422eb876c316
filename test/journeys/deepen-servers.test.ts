/** Two servers on one database have a model asked once; what one does is told on the other; and one that is killed is gone on with, under the same id. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { askingThis } from '../../apps/server/asking.ts'
import { deepenNext, newHolder } from '../../apps/server/deepen.ts'
import { composeFalconer, type Falconer } from '../../apps/server/falconer.ts'
import { noticeSteps } from '../../apps/server/steps.ts'
import { loadConfig } from '../../config/config.ts'
import { deepeningsOf } from '../../store/deepenings.ts'
import { listIncidents } from '../../store/incidents.ts'
import { getInvestigation } from '../../store/investigations.ts'
import { stepsOf } from '../../store/analyst-steps.ts'
import { serverDatabase, serverUrl } from '../support/database.ts'
import { scriptedAnalyst } from '../support/scripted-analyst.ts'
import { recordStory } from '../support/story.ts'

const going = new AbortController().signal
const deepen = (falconer: Falconer): Promise<boolean> => deepenNext(falconer, { holder: newHolder(), stop: going })

describe.skipIf(serverUrl === undefined)('two servers', () => {
  it('have the model asked once for each incident, and each sees what the other does', async () => {
    const own = await serverDatabase(serverUrl as string)
    const analyst = scriptedAnalyst()
    const opened: Falconer[] = []
    try {
      for (let n = 0; n < 2; n += 1) {
        const folder = await mkdtemp(join(tmpdir(), 'falconer-two-'))
        const config = loadConfig({ DATABASE_URL: own.url, FALCONER_DATA: folder, FALCONER_LOG: 'silent' }, {})
        opened.push(await composeFalconer(config, { as: 'command', quietMs: 0, asking: askingThis(analyst) }))
      }
      const [one, two] = opened as [Falconer, Falconer]
      const told: string[] = []
      two.changes.on('steps', (about) => told.push(about))
      const notice = noticeSteps(two)
      for (const scope of ['a', 'b', 'c', 'd']) await recordStory(one.db, one.clock, scope)
      await Promise.all([one.settle(), two.settle()])
      const { incidents } = await listIncidents(one.db, { minSeverity: 'high' }, { limit: 50 })
      expect(incidents.length).toBeGreaterThanOrEqual(4)
      const work = async (falconer: Falconer): Promise<void> => {
        while (await deepen(falconer));
      }
      await Promise.all([work(one), work(two), work(one), work(two)])
      await notice()
      const asked = (await Promise.all(incidents.map(({ id }) => deepeningsOf(one.db, id)))).flat()
      expect(asked.length).toBe(incidents.length)
      expect(asked.every(({ state, attempts }) => state === 'done' && attempts === 1)).toBe(true)
      expect(new Set(analyst.asked).size).toBe(analyst.asked.length)
      expect(told).toEqual(expect.arrayContaining(analyst.asked))
      // What was told already is not told again.
      told.length = 0
      await notice()
      expect(told).toEqual([])
    } finally {
      for (const falconer of opened) await falconer.close()
      await own.drop()
    }
  }, 180_000)
})

it('killed while the model is asked, it is gone on with by the next start, under the same id', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-kill-deepen-'))
  const program = fileURLToPath(new URL('../support/deepen-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const id = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stdout.on('data', (part: Buffer) => {
      output += part.toString()
      const [, found] = /at work (\S+)/.exec(output) ?? []
      if (found !== undefined) resolve(found)
    })
    child.on('exit', () => reject(new Error(`it ended by itself: ${output}`)))
  })
  const gone = new Promise((resolve) => {
    child.on('close', resolve)
  })
  child.removeAllListeners('exit')
  child.kill('SIGKILL')
  await gone
  const analyst = scriptedAnalyst()
  const config = loadConfig({ FALCONER_DATA: folder, FALCONER_SCOPE: 'lab', FALCONER_LOG: 'silent' }, {})
  const falconer = await composeFalconer(config, { quietMs: 60_000, asking: askingThis(analyst) })
  try {
    await expect.poll(async () => (await getInvestigation(falconer.db, id))?.status, { timeout: 60_000 }).toBe('done')
    expect(analyst.asked).toContain(id)
    const steps = await stepsOf(falconer.db, id)
    expect(steps.filter(({ kind }) => kind === 'began').map(({ text }) => text)).toEqual(['', expect.stringMatching(/cut off/)])
    expect(steps.map(({ number }) => number)).toEqual(steps.map((_step, at) => at + 1))
  } finally {
    await falconer.close()
    await rm(folder, { recursive: true, force: true })
  }
}, 180_000)
