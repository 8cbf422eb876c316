/**
 * The line to one executor process: requests out, answers back, and artifacts that it wants kept. Every request ends: with its
 * answer, with the process, or with its time. An artifact goes to the very execution it names, or to nobody.
 */
import type { ChildProcess } from 'node:child_process'
import { ConfigError, DeniedError, InputError, InvariantError, UpstreamError } from '../../domain/errors.ts'
import { Artifact } from '../../domain/proposal.ts'
import type { Answer, KeepRequest, Message, Method, Request } from './messages.ts'

export type Keep = (artifact: Artifact) => Promise<void>
type Options = { withinMs: number; killWhenLate?: boolean; keep?: Keep }
type Waiting = { resolve: (result: unknown) => void; reject: (error: Error) => void; keep: Keep | undefined }

export type Line = {
  pid: number | undefined
  /** Throws what the executor threw, or a retryable UpstreamError when no answer came. */
  ask(method: Method, params: unknown, options: Options): Promise<unknown>
  close(): Promise<void>
}

export function openLine(child: ChildProcess, onEnd: () => void): Line {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let ended = false

  function end(why: string, cause?: unknown): void {
    if (ended) return
    ended = true
    onEnd()
    for (const one of waiting.values()) one.reject(new UpstreamError(why, { cause, retryable: true }))
    waiting.clear()
  }
  child.on('exit', () => end('the executor process ended before it answered'))
  child.on('error', (error) => end(`the executor process cannot be reached: ${error.message}`, error))
  child.on('message', (message: Message) => {
    if (message.kind === 'answer') settle(message)
    else void keepFor(message)
  })

  function settle({ id, result, error }: Answer): void {
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asked?.resolve(result)
    else asked?.reject(errorFrom(error))
  }

  async function keepFor({ id, method, params }: Request): Promise<void> {
    let error: Answer['error']
    try {
      const { of, artifact } = params as KeepRequest
      const keep = method === 'keep' ? waiting.get(of)?.keep : undefined
      if (keep === undefined) throw new InvariantError('nothing is being executed that it belongs to')
      await keep(Artifact.parse(artifact))
    } catch (cause) {
      const message = `what was collected could not be stored: ${cause instanceof Error ? cause.message : String(cause)}`
      error = { code: 'upstream', reason: null, retryable: false, message }
    }
    if (child.connected) child.send({ kind: 'answer', id, ...(error === undefined ? {} : { error }) } satisfies Answer)
  }

  function ask(method: Method, params: unknown, { withinMs, killWhenLate = false, keep }: Options): Promise<unknown> {
    if (ended) return Promise.reject(new UpstreamError('the executor process has ended', { retryable: true }))
    lastId += 1
    const id = lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(id)
        if (killWhenLate) child.kill('SIGKILL')
        reject(new UpstreamError(`the executor did not answer within ${Math.round(withinMs / 1_000)} s`, { retryable: true }))
      }, withinMs)
      const done =
        <T>(settled: (value: T) => void) =>
        (value: T): void => {
          clearTimeout(timer)
          settled(value)
        }
      waiting.set(id, { resolve: done(resolve), reject: done(reject), keep })
      child.send({ kind: 'request', id, method, params } satisfies Request, (error) => {
        if (error === null) return
        waiting.get(id)?.reject(new UpstreamError('the executor process cannot be reached', { cause: error, retryable: true }))
        waiting.delete(id)
      })
    })
  }

  async function close(): Promise<void> {
    if (ended) return
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
      if (child.connected) child.disconnect()
      setTimeout(() => child.kill('SIGKILL'), 3_000).unref()
    })
  }

  return { pid: child.pid, ask, close }
}

function errorFrom({ code, reason, retryable, message }: NonNullable<Answer['error']>): Error {
  if (code === 'denied') return new DeniedError(reason ?? 'denied', message)
  if (code === 'upstream') return new UpstreamError(message, { retryable })
  if (code === 'config') return new ConfigError(message)
  if (code === 'input') return new InputError(message)
  if (code === 'kubernetes') return new UpstreamError(message, { retryable: false })
  return new InvariantError(message)
}
