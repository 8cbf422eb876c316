/**
 * Starts the executor process and speaks with it. A process that ends is started again for the next request; what it was doing
 * is lost and is looked at, not repeated. One that does not come to an end in its time is killed, so that it cannot act later.
 */
import { fork } from 'node:child_process'
import { UpstreamError } from '../../domain/errors.ts'
import { ExecutionResult, Observation, Plan } from '../../domain/proposal.ts'
import { recordWithinMs, runWithinMs } from '../../responses/claim.ts'
import type { ClusterStatus, Executor } from '../../responses/executor.ts'
import { type Keep, openLine, type Line } from './line.ts'
import type { Init, Method } from './messages.ts'

const program = new URL('main.ts', import.meta.url)
const startWithinMs = 30_000
const answerWithinMs = 240_000
/** Ends before others may take the claim for lost. */
const endWithinMs = runWithinMs + recordWithinMs - 60_000

export async function launchExecutor(init: Init): Promise<Executor & { pid(): number | undefined }> {
  let line: Line | null = null
  let closed = false

  async function start(): Promise<Line> {
    // Whatever secrets the server was given in its environment do not travel.
    const child = fork(program, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { PATH: '/usr/bin:/bin', ...init.environment },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const started = openLine(child, () => {
      if (line === started) line = null
    })
    try {
      await started.ask('init', init, { withinMs: startWithinMs })
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
    line = started
    return started
  }

  let begun: Promise<Line> | null = null
  const running = (): Promise<Line> =>
    line === null
      ? (begun ??= start().finally(() => {
          begun = null
        }))
      : Promise.resolve(line)
  const request = async (method: Method, params: unknown): Promise<unknown> => {
    if (closed) throw new UpstreamError('the executor was stopped', { retryable: false })
    return (await running()).ask(method, params, { withinMs: answerWithinMs })
  }

  let last: Promise<unknown> = Promise.resolve()
  /** One change at a time; the next begins when the last has ended, however it ended. */
  const change = (method: 'execute' | 'revert', ticket: unknown, keep?: Keep): Promise<ExecutionResult> => {
    const next = last.then(async () => {
      if (closed) throw new UpstreamError('the executor was stopped', { retryable: false })
      const on = await running()
      return ExecutionResult.parse(await on.ask(method, ticket, { withinMs: endWithinMs, killWhenLate: true, keep }))
    })
    last = next.catch(() => {})
    return next
  }

  await running()
  return {
    pid: () => line?.pid,
    plan: async (params) => Plan.parse(await request('plan', params)),
    execute: (ticket, keep) => change('execute', ticket, keep),
    revert: (ticket) => change('revert', ticket),
    verify: async (plan) => Observation.parse(await request('verify', plan)),
    standing: async (requests) => (await request('standing', requests)) as boolean[],
    status: async () => (await request('status', null)) as ClusterStatus,
    close: async () => {
      closed = true
      await line?.close()
    },
  }
}
