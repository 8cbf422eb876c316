/**
 * The executor process: holds the only credentials that can write to a cluster, has no database, and takes requests over
 * the pipe it was born with. When the pipe closes it ends: it never acts for a server that is gone.
 */
import { readFileSync } from 'node:fs'
import { connect } from '../../clusters/client.ts'
import { systemClock } from '../../domain/clock.ts'
import { DeniedError, FalconerError, InvariantError, UpstreamError } from '../../domain/errors.ts'
import type { Plan, PlannedRequest } from '../../domain/proposal.ts'
import type { SignedTicket } from '../../responses/approved.ts'
import type { PlanRequest } from '../../responses/executor.ts'
import type { Answer, Init, KeepRequest, Message, Request } from './messages.ts'
import { createExecutor } from './run.ts'

let executor: ReturnType<typeof createExecutor> | null = null
let lastId = 0
const waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()

process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole group: the server decides when this process ends.
process.on('SIGINT', () => {})
process.on('message', (message: Message) => {
  if (message.kind === 'answer') {
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error === undefined) asked?.resolve()
    else asked?.reject(new UpstreamError(message.error.message, { retryable: false }))
    return
  }
  handle(message)
    .then((result) => send({ kind: 'answer', id: message.id, result }))
    .catch((error: unknown) => send({ kind: 'answer', id: message.id, error: asError(error) }))
})

async function handle({ id, method, params }: Request): Promise<unknown> {
  if (method === 'init') {
    const init = params as Init
    const kubeconfig = init.kubeconfigPath === null ? undefined : readFileSync(init.kubeconfigPath, 'utf8')
    const kubeConfig = connect({ kubeconfig, context: init.context ?? undefined, inCluster: init.inCluster })
    executor = createExecutor({
      kubeConfig,
      policy: init.policy,
      publicKey: init.publicKey,
      actionsEnabled: init.actionsEnabled,
      scope: init.scope,
      clock: systemClock,
    })
    return null
  }
  if (executor === null) throw new InvariantError('the executor was not told which cluster')
  switch (method) {
    case 'plan':
      return executor.plan(params as PlanRequest)
    case 'execute':
      return executor.execute(params as SignedTicket, (artifact) => keep({ of: id, artifact }))
    case 'revert':
      return executor.revert(params as SignedTicket)
    case 'verify':
      return executor.verify(params as Plan)
    case 'standing':
      return executor.standing(params as PlannedRequest[])
    case 'status':
      return executor.status()
    default:
      throw new InvariantError(`the executor does not know ${method}`)
  }
}

/** Returns when the server has stored it: evidence first. */
function keep(params: KeepRequest): Promise<void> {
  lastId += 1
  const id = lastId
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject })
    send({ kind: 'request', id, method: 'keep', params })
  })
}

function send(message: Message): void {
  if (process.connected) process.send?.(message)
}

function asError(error: unknown): NonNullable<Answer['error']> {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof FalconerError)
    return {
      code: error.code,
      reason: error instanceof DeniedError ? error.reason : null,
      retryable: error instanceof UpstreamError && error.retryable,
      message,
    }
  return { code: 'invariant', reason: null, retryable: false, message }
}
