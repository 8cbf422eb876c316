/** Ctrl-C and SIGTERM: work looks at the signal and ends in order, leaving its data whole; a second one ends the process at once. */
import { setTimeout } from 'node:timers/promises'
import { FalconerError } from '../../domain/errors.ts'

/** The user stopped the work before its end: exit code 130. */
export class Interrupted extends FalconerError {
  constructor(message: string) {
    super('interrupted', message)
  }
}

let asked: AbortController | null = null

/** Aborted at the first Ctrl-C, SIGTERM or SIGHUP from now on. */
export function stopSignal(): AbortSignal {
  if (asked !== null) return asked.signal
  const controller = (asked = new AbortController())
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  return controller.signal
}

/** `unless` ends the listening: what waits again and again on one signal would pile up listeners. */
export const stopped = (signal: AbortSignal, unless?: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true, signal: unless })
  })

/** Throws Interrupted as soon as the signal is given. */
export async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, null, { signal }).catch(() => {})
  if (signal.aborted) throw new Interrupted('Stopped before the end.')
}
