/** Starts the executor process and speaks with it. A process that ends is started again for the next request; what it was doing is lost and is looked at, not repeated. */
import { type ChildProcess, fork } from 'node:child_process'
import { ConfigError, DeniedError, InputError, InvariantError, UpstreamError } from '../../domain/errors.ts'
import { Artifact, ExecutionResult, Observation, Plan } from '../../domain/proposal.ts'
import type { ClusterStatus, Executor } from '../../responses/executor.ts'
import type { Answer, Init, Message, Method, Request } from './messages.ts'

const program = new URL('main.ts', import.meta.url)
type Waiting = {
  resolve: (result: unknown) => void
  reject: (error: Error) => void
  keep: ((artifact: Artifact) => Promise<void>) | undefined
}

export async function launchExecutor(init: Init): Promise<Executor & { pid(): number | undefined }> {
  let child: ChildProcess | null = null
  let closed = false
  let lastId = 0
  const waiting = new Map<number, Waiting>()

  async function start(): Promise<ChildProcess> {
    // An empty environment: whatever secrets the server was given do not travel.
    const started = fork(program, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { PATH: '/usr/bin:/bin' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child = started
    started.on('message', (message: Message) => {
      void receive(started, message)
    })
    started.on('exit', () => {
      if (child === started) child = null
      for (const one of waiting.values())
        one.reject(new UpstreamError('the executor process ended before it answered', { retryable: false }))
      waiting.clear()
    })
    await ask(started, 'init', init)
    return started
  }

  function ask(process: ChildProcess, method: Method, params: unknown, keep?: Waiting['keep']): Promise<unknown> {
    lastId += 1
    const id = lastId
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject, keep })
      process.send({ kind: 'request', id, method, params } satisfies Request, (error) => {
        if (error !== null) reject(new UpstreamError('the executor process cannot be reached', { cause: error, retryable: true }))
      })
    })
  }

  async function receive(process: ChildProcess, message: Message): Promise<void> {
    if (message.kind === 'answer') {
      const asked = waiting.get(message.id)
      waiting.delete(message.id)
      if (message.error === undefined) asked?.resolve(message.result)
      else asked?.reject(errorFrom(message.error))
      return
    }
    // One execution at a time: the artifact belongs to the one that can keep.
    const keeper = [...waiting.values()].find((one) => one.keep !== undefined)?.keep
    let error: Answer['error']
    try {
      if (keeper === undefined) throw new InvariantError('nothing is being executed')
      await keeper(Artifact.parse(message.params))
    } catch (cause) {
      error = {
        code: 'upstream',
        reason: null,
        retryable: false,
        message: `what was collected could not be stored: ${cause instanceof Error ? cause.message : String(cause)}`,
      }
    }
    if (process.connected) process.send({ kind: 'answer', id: message.id, ...(error === undefined ? {} : { error }) } satisfies Answer)
  }

  let line: Promise<unknown> = Promise.resolve()
  const inLine = <T>(work: () => Promise<T>): Promise<T> => {
    const next = line.then(work, work)
    line = next.catch(() => {})
    return next
  }
  const request = async (method: Method, params: unknown, keep?: Waiting['keep']): Promise<unknown> => {
    if (closed) throw new UpstreamError('the executor was stopped', { retryable: false })
    return ask(child ?? (await starting()), method, params, keep)
  }
  let begun: Promise<ChildProcess> | null = null
  const starting = (): Promise<ChildProcess> =>
    (begun ??= start().finally(() => {
      begun = null
    }))

  await starting()
  return {
    pid: () => child?.pid,
    plan: async (params) => Plan.parse(await request('plan', params)),
    execute: (ticket, keep) => inLine(async () => ExecutionResult.parse(await request('execute', ticket, keep))),
    revert: (ticket) => inLine(async () => ExecutionResult.parse(await request('revert', ticket))),
    verify: async (plan) => Observation.parse(await request('verify', plan)),
    status: async () => (await request('status', null)) as ClusterStatus,
    close: async () => {
      closed = true
      const running = child
      if (running === null) return
      await new Promise<void>((resolve) => {
        running.once('exit', () => resolve())
        running.disconnect()
        setTimeout(() => running.kill('SIGKILL'), 3_000).unref()
      })
    },
  }
}

function errorFrom({ code, reason, retryable, message }: NonNullable<Answer['error']>): Error {
  if (code === 'denied') return new DeniedError(reason ?? 'denied', message)
  if (code === 'upstream') return new UpstreamError(message, { retryable })
  if (code === 'config') return new ConfigError(message)
  if (code === 'input') return new InputError(message)
  if (code === 'kubernetes') return new UpstreamError(message, { retryable: false })
  return new InvariantError(message)
}
