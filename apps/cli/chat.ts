/**
 * `falconer chat`: asks through the API, shows what is done while it is done, and prints the answer. One question, or one after another until the end of input:
 * an empty line asks nothing, Ctrl-C gives up an answer that is waited for and ends where none is, Ctrl-D ends.
 */
import { createInterface } from 'node:readline/promises'
import { FalconerError, InputError } from '../../domain/errors.ts'
import type { Client } from './client.ts'
import { answerText, type StepRow, stepText, type ThreadAnswer, type TurnRow } from './chat-text.ts'
import { part } from './command.ts'
import { print, remark, safe } from './output.ts'
import { Interrupted, stopSignal, wait } from './stop.ts'

export type ChatOptions = { incident?: string; thread?: string; json?: boolean; model: boolean }
const lookMs = 150

export async function chat(client: Client, question: string, options: ChatOptions): Promise<void> {
  if (options.thread !== undefined && options.incident !== undefined)
    throw new InputError('A thread is about what it was opened for: give --thread or --incident, not both.')
  const signal = stopSignal()
  const thread = options.thread ?? (await openThread(client, options))
  if (question !== '') {
    if (!(await askOne(client, thread, question, options, signal))) process.exitCode = 1
    return
  }
  await converse(client, thread, options, signal)
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
  lines.on('SIGINT', () => (asking === null ? lines.close() : asking.abort()))
  signal.addEventListener('abort', () => lines.close(), { once: true })
  if (stdin.isTTY) remark('Ask about incidents, findings, attack paths, what to fix first. /help tells more; Ctrl-D ends.')
  const next = (): void => {
    if (stdin.isTTY) lines.prompt()
  }
  next()
  for await (const line of lines) {
    const question = line.trim()
    if (question === '/quit' || question === '/exit') break
    if (question === '/new') {
      thread = await openThread(client, options)
      remark('A new thread: what was asked before is not remembered in it.')
    } else if (question.startsWith('/')) remark(question === '/help' ? help : `There is no ${safe(question, 40)}. ${help}`)
    else if (question !== '') {
      asking = new AbortController()
      await askAmongOthers(client, thread, question, options, { signal, givenUp: asking.signal })
      asking = null
    }
    next()
  }
  lines.close()
  if (!options.json) remark(`Go on with: falconer chat --thread ${thread}`)
}

/** What keeps this question from its answer does not keep the next one. */
async function askAmongOthers(
  client: Client,
  thread: string,
  question: string,
  options: ChatOptions,
  { signal, givenUp }: { signal: AbortSignal; givenUp: AbortSignal },
): Promise<void> {
  try {
    if (!(await askOne(client, thread, question, options, AbortSignal.any([signal, givenUp])))) process.exitCode = 1
  } catch (error) {
    if (error instanceof Interrupted && givenUp.aborted && !signal.aborted)
      return remark('Not waited for: its answer comes into the thread.')
    // Too fast, too long, not now.
    if (!(error instanceof FalconerError) || error instanceof Interrupted) throw error
    remark(`falconer: ${error.message}`)
  }
}

/** False: it was left unanswered. */
async function askOne(client: Client, thread: string, text: string, options: ChatOptions, signal: AbortSignal): Promise<boolean> {
  const path = `/threads/${part(thread)}`
  const taken = JSON.parse(await client.call('POST', `${path}/questions`, { text, model: options.model })) as { turn: TurnRow }
  let after = 0
  for (;;) {
    const { thread: shown, turns, steps } = JSON.parse(await client.call('GET', `${path}?after=${after}`)) as ThreadAnswer
    const turn = turns.find(({ number }) => number === taken.turn.number)
    if (turn === undefined) throw new InputError('The question is not in its thread any more.')
    after = Math.max(after, ...steps.map(({ number }) => number))
    if (options.json !== true) for (const step of steps) if (turn.firstStep !== null && step.number >= turn.firstStep) dimmed(step)
    if (turn.state === 'answered' || turn.state === 'unanswered') {
      print(options.json === true ? JSON.stringify({ thread: shown, turn }) : answerText(turn, client.pages))
      return turn.state === 'answered'
    }
    await wait(lookMs, signal)
  }
}

function dimmed(step: StepRow): void {
  const text = stepText(step)
  if (text === '' || process.stderr.isTTY !== true) return
  remark(process.stderr.hasColors() ? `\u001b[2m${text}\u001b[22m` : text)
}
