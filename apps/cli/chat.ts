/**
 * `falconer chat`: asks through the API, shows what is done while it is done, and prints the answer. One question, or one after another until the end of input:
 * an empty line asks nothing, Ctrl-C gives up an answer that is waited for and ends where none is, Ctrl-D ends.
 */
import { createInterface } from 'node:readline/promises'
import { FalconerError, InputError } from '../../domain/errors.ts'
import { ApiError, type Client } from './client.ts'
import { answerText, type StepRow, stepText, type ThreadAnswer, type TurnRow } from './chat-text.ts'
import { part } from './command.ts'
import { aside, print, printWrapped, remark, safe } from './output.ts'
import { Interrupted, stopSignal, wait } from './stop.ts'

export type ChatOptions = { incident?: string; thread?: string; json?: boolean; model: boolean }
const lookMs = 150
/** Longest silence before it is said that something is done. */
const patienceMs = 1_000

export async function chat(client: Client, question: string, options: ChatOptions): Promise<void> {
  if (options.thread !== undefined && options.incident !== undefined)
    throw new InputError('A thread is about what it was opened for: give --thread or --incident, not both.')
  const signal = stopSignal()
  const thread = options.thread ?? (await openThread(client, options))
  if (question === '') await converse(client, thread, options, signal)
  else if (!(await askOne(client, thread, question, options, signal))) process.exitCode = 1
  if (signal.aborted) throw new Interrupted('Stopped before the end.')
}

const help = `Ask about incidents, findings, attack paths, what to fix first, who decided what, what changed, what nobody can see. For example:
  Which incidents are open?
  What happened in the latest incident?
  Which single change cuts the most attack paths?
  What changed since yesterday?
/new begins another thread, /quit or Ctrl-D ends, Ctrl-C gives up an answer that is waited for.`

async function openThread(client: Client, { incident }: ChatOptions): Promise<string> {
  return (JSON.parse(await client.call('POST', '/threads', incident === undefined ? {} : { incident })) as { id: string }).id
}

async function converse(client: Client, first: string, options: ChatOptions, signal: AbortSignal): Promise<void> {
  const { stdin, stderr } = process
  let thread = first
  const lines = createInterface({
    input: stdin,
    output: stderr,
    terminal: stdin.isTTY === true && stderr.isTTY === true,
    prompt: stdin.isTTY ? '> ' : '',
  })
  let asking: AbortController | null = null
  let [asked, ended] = [false, false]
  lines.on('close', () => (ended = true))
  // What is begun to be written is given up before the session is.
  lines.on('SIGINT', () => {
    if (asking !== null) asking.abort()
    else if (lines.line === '') lines.close()
    else lines.write(null, { ctrl: true, name: 'u' })
  })
  signal.addEventListener('abort', () => lines.close(), { once: true })
  if (stdin.isTTY) remark('Ask about incidents, findings, attack paths, what to fix first. /help tells more; Ctrl-D ends.')
  const next = (): void => {
    if (stdin.isTTY && !ended) lines.prompt()
  }
  next()
  for await (const line of lines) {
    const question = line.trim()
    if (question === '/quit' || question === '/exit') break
    if (question === '/new') {
      await kept(async () => {
        thread = await openThread(client, options)
        remark('A new thread: what was asked before is not remembered in it.')
        return true
      })
    } else if (question.startsWith('/')) remark(question === '/help' ? help : `There is no ${safe(question, 40)}. ${help}`)
    else if (question !== '') {
      asking = new AbortController()
      const givenUp = AbortSignal.any([signal, asking.signal])
      await kept(() => askOne(client, thread, question, options, givenUp))
      asking = null
      asked = true
      if (stdin.isTTY) remark('')
    }
    next()
  }
  lines.close()
  // Whoever was there has seen what was left unanswered; the end of what came through a pipe has to say it.
  if (stdin.isTTY) process.exitCode = 0
  if (asked && !options.json) remark(`Go on with: falconer chat --thread ${thread}`)
}

/** What goes wrong with one thing (too fast, too long, nobody there) does not keep the next from being tried. */
async function kept(work: () => Promise<boolean>): Promise<void> {
  try {
    if (!(await work())) process.exitCode = 1
  } catch (error) {
    if (!(error instanceof FalconerError)) throw error
    remark(`falconer: ${error.message}`)
    process.exitCode = 1
  }
}

/** False: it was left unanswered. `givenUp`: nobody waits for it any more, and nothing more is done, or paid, for it. */
async function askOne(client: Client, thread: string, text: string, options: ChatOptions, givenUp: AbortSignal): Promise<boolean> {
  const path = `/threads/${part(thread)}`
  const taken = JSON.parse(await client.call('POST', `${path}/questions`, { text, model: options.model })) as { turn: TurnRow }
  const { number } = taken.turn
  const began = performance.now()
  let [after, quiet, stopped] = [0, true, false]
  for (;;) {
    if (givenUp.aborted && !stopped) stopped = await stop(client, `${path}/questions/${number}/stop`)
    const { thread: shown, turns, steps } = JSON.parse(await client.call('GET', `${path}?after=${after}`)) as ThreadAnswer
    const turn = turns.find((one) => one.number === number)
    if (turn === undefined) throw new InputError('The question is not in its thread any more.')
    after = Math.max(after, ...steps.map((step) => step.number))
    for (const step of steps) if (turn.firstStep !== null && step.number >= turn.firstStep && told(step, options)) quiet = false
    if (turn.state === 'answered' || turn.state === 'unanswered') {
      if (options.json === true) print(JSON.stringify({ thread: shown, turn }))
      else printWrapped(answerText(turn, client.pages))
      return turn.state === 'answered'
    }
    if (quiet && performance.now() - began > patienceMs) {
      follows(`  ${turn.state === 'waiting' ? 'Waits for the question before it' : 'Looking it up'} … Ctrl-C gives up.`, options)
      quiet = false
    }
    await wait(lookMs, givenUp).catch(() => {})
  }
}

/** Its answer may have come a moment before. */
async function stop(client: Client, path: string): Promise<true> {
  await client.call('POST', path).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.code !== 'state') throw error
  })
  return true
}

/** One line, however long it is. */
const follows = (text: string, { json }: ChatOptions): void => {
  const { isTTY, columns } = process.stderr
  if (json !== true && isTTY === true) aside(text.length > columns ? `${text.slice(0, columns - 1)}…` : text)
}
/** False: it is nothing that people follow. */
function told(step: StepRow, options: ChatOptions): boolean {
  const text = stepText(step)
  if (text !== '') follows(text, options)
  return text !== ''
}
