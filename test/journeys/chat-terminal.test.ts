/** `falconer chat` as somebody uses it who sits at a terminal: a real pseudo-terminal, one question after another, on the folder itself. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { embeddedDatabase } from '../support/database.ts'
import { type MessagesApi, messagesApi, replies } from '../support/messages-api.ts'
import { runHere, runToEnd } from '../support/process.ts'
import { atTerminal, keys, type Terminal } from '../support/terminal.ts'

describe('falconer chat at a terminal', { timeout: 240_000 }, () => {
  let folder: string
  let api: MessagesApi
  const open: Terminal[] = []
  beforeAll(async () => {
    api = await messagesApi(() => replies.hang())
    folder = await mkdtemp(join(tmpdir(), 'falconer-terminal-'))
    await (await embeddedDatabase(folder)).close()
    await runHere(['--data', folder, 'import', 'evals/scenarios/shop-checkout-intrusion/alerts.jsonl', '--cluster', 'lab'])
  }, 240_000)
  afterEach(async () => {
    for (const { child, ended } of open.splice(0)) {
      child.kill('SIGKILL')
      await ended
    }
  })
  afterAll(async () => {
    await api.close()
    await rm(folder, { recursive: true, force: true })
  })
  const model = (): Record<string, string> => ({
    ANTHROPIC_API_KEY: 'sk-ant-api03-not-a-key-of-anybody-0000000000',
    ANTHROPIC_BASE_URL: api.url,
  })
  function chat(width: number, env: Record<string, string> = {}): Terminal {
    const terminal = atTerminal(['--data', folder, 'chat'], { width, env })
    open.push(terminal)
    return terminal
  }
  const prompt = /> (?:\u001b\[\d*[A-Z])*$/
  const painted = /\u001b\[\d*(?:;\d+)*m/
  /** Without what moves the cursor. */
  const linesOf = (shown: string): string[] => shown.replaceAll(/\u001b\[[\d;?]*[A-Za-z]/g, '').split(/\r?\n/)
  /** Longer than the terminal is wide, but for addresses and what was typed. */
  const tooLong = (shown: string, width: number): string[] =>
    linesOf(shown).filter((line) => line.length > width && !/https?:\/\//.test(line) && !line.startsWith('> '))

  it('asks one question after another, and lives on after what it cannot use', async () => {
    const terminal = chat(60)
    expect(await terminal.until(prompt)).toMatch(/\/help tells more; Ctrl-D ends/)
    terminal.type(`which incidents are open?${keys.enter}`)
    const first = await terminal.until(prompt)
    expect(first).toContain('1 open incident')
    expect(tooLong(first, 60)).toEqual([])
    expect(first).toMatch(painted)
    terminal.type(`${keys.enter}   ${keys.enter}`)
    expect(linesOf(await terminal.until(/> [^>]*> [^>]*$/)).join('')).not.toMatch(/falconer:|Not answered|·/)
    terminal.type(`/help${keys.enter}`)
    expect(await terminal.until(prompt)).toContain('/new begins another thread')
    terminal.type(`/bogus${keys.enter}`)
    expect(await terminal.until(prompt)).toContain('There is no /bogus')
    terminal.type(`${'x'.repeat(2_001)}${keys.enter}`)
    expect(await terminal.until(/falconer: .*2,?000/s)).not.toMatch(/ {4}at /)
    await terminal.until(prompt)
    terminal.type(`what happened in the first one?${keys.enter}`)
    const second = await terminal.until(prompt)
    expect(second).toContain('One process started the next')
    expect(tooLong(second, 60)).toEqual([])
    terminal.type(`/new${keys.enter}`)
    expect(await terminal.until(prompt)).toContain('A new thread')
    terminal.type(keys.end)
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown()).toMatch(/Go on with: falconer chat --thread [0-9a-f-]{36}\s*$/)
  })

  it('Ctrl-C gives up what is written, then the session; where nothing was asked, nothing is gone on with', async () => {
    const terminal = chat(120)
    await terminal.until(prompt)
    terminal.type('which incidents')
    await terminal.until(/which incidents/)
    terminal.type(keys.interrupt)
    await terminal.until(prompt)
    expect(terminal.child.exitCode).toBeNull()
    terminal.type(keys.interrupt)
    expect(await terminal.ended).toBe(0)
    expect(terminal.shown()).not.toMatch(/Go on with|·/)
  })

  it('Ctrl-C during an answer gives it up at once: the prompt is back, and the next question need not wait for it', async () => {
    api.answer(() => replies.hang())
    const terminal = chat(60, model())
    await terminal.until(prompt)
    terminal.type(`what should I do?${keys.enter}`)
    await terminal.until(/Looking it up … Ctrl-C gives up/)
    await expect.poll(() => api.asked.length, { timeout: 60_000 }).toBe(1)
    const began = performance.now()
    terminal.type(keys.interrupt)
    expect(await terminal.until(prompt)).toContain('Not answered. Whoever asked this gave it up.')
    expect(performance.now() - began).toBeLessThan(5_000)
    api.answer(() => replies.structured({ sentences: [], unknowns: ['What should be done first.'], follow_ups: [] }))
    terminal.type(`and now?${keys.enter}`)
    expect(await terminal.until(prompt)).toContain('What should be done first.')
    terminal.type(keys.end)
    expect(await terminal.ended).toBe(0)
  })

  it('paints nothing where it may not, or where nobody sees it', async () => {
    const terminal = chat(120, { NO_COLOR: '1' })
    await terminal.until(prompt)
    terminal.type(`is anything silent?${keys.enter}`)
    const answer = await terminal.until(prompt)
    expect(answer).toContain('get_coverage')
    expect(answer).not.toMatch(painted)
    expect(tooLong(answer, 110)).toEqual([])
    terminal.type(keys.end)
    expect(await terminal.ended).toBe(0)
    const piped = await runToEnd(['--data', folder, 'chat'], {}, 'which incidents are open?\nwho is the butler?\n')
    expect(piped.output + piped.errors).not.toContain('\u001b')
    expect(piped.code).toBe(0)
  })
})
