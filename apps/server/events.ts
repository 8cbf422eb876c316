/**
 * Live events: which kinds of record have changed, never what changed. A slow reader costs no memory (kinds wait in a set); a
 * stream ends when its reader goes, when the server stops, and as soon as who opened it may no longer read.
 */
import type { Falconer, ChangeKind } from './falconer.ts'
import { type AppContext, permit, whoAsks } from './who.ts'

export const eventsRoute = { method: 'GET', path: '/events', permission: 'incidents.read' } as const
const aliveMs = 15_000

export function answerEvents(context: AppContext, falconer: Falconer): Response {
  permit(context.get('who'), eventsRoute.permission)
  const mayStill = async (): Promise<boolean> => {
    try {
      return permit(await whoAsks(context, falconer, { looking: true }), eventsRoute.permission) !== null
    } catch {
      return false
    }
  }
  const body = context.req.method === 'HEAD' ? null : changeStream(falconer, mayStill)
  const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }
  return body === null ? context.body(null, 200, headers) : context.body(body, 200, headers)
}

function changeStream(falconer: Falconer, mayStill: () => Promise<boolean>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const due = new Set<ChangeKind | 'steps'>()
  let ended = false
  let wake = (): void => {}
  const note = (kind: ChangeKind | 'steps'): void => {
    due.add(kind)
    wake()
  }
  const noteSteps = (): void => note('steps')
  const end = (): void => {
    ended = true
    falconer.changes.off('change', note)
    falconer.changes.off('steps', noteSteps)
    falconer.changes.off('closing', end)
    wake()
  }
  const somethingOrAlive = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, aliveMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  return new ReadableStream({
    start(controller) {
      falconer.changes.on('change', note)
      falconer.changes.on('steps', noteSteps)
      falconer.changes.on('closing', end)
      controller.enqueue(encoder.encode('event: alive\ndata:\n\n'))
    },
    async pull(controller) {
      if (due.size === 0 && !ended) await somethingOrAlive()
      const kinds = [...due]
      due.clear()
      if (!ended && (kinds.length === 0 || kinds.includes('people')) && !(await mayStill())) end()
      if (ended) return controller.close()
      const told = kinds.length === 0 ? ['event: alive\ndata:'] : kinds.map((kind) => `event: change\ndata: ${kind}`)
      controller.enqueue(encoder.encode(`${told.join('\n\n')}\n\n`))
    },
    cancel: end,
  })
}
