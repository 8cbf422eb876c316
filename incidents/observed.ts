/** What alerts show besides an incident: which files of an image were run or opened, and on which days somebody watched. Pure. */
import type { Lead } from '../domain/alert.ts'
import type { SeenPath } from '../store/image-paths.ts'
import type { WatchedDay } from '../store/watched-days.ts'
import { dayOf } from './baseline.ts'
import type { AlertContext } from './context.ts'

type Observed = { alert: Lead; context: AlertContext }

/** Of alerts whose container inventory knows: in any other nobody can say what image it was. */
export function seenPaths(observed: readonly Observed[]): SeenPath[] {
  return observed.flatMap(({ alert, context: { container } }) => {
    if (container === null) return []
    const here = { container: container.id.toString(), atNs: alert.eventNs, alertId: alert.id }
    const run = ofImage(alert.process?.exepath)
    const opened = ofImage(alert.file)
    return [
      ...(run === null ? [] : [{ ...here, path: run, kind: 'exec' as const }]),
      ...(opened === null ? [] : [{ ...here, path: opened, kind: 'open' as const }]),
    ]
  })
}

/** What the kernel makes up is in no image. Longer than this is no path. */
function ofImage(path: string | null | undefined): string | null {
  if (path == null || path.length > 1_000 || !path.startsWith('/') || /^\/(?:proc|sys|dev)\//.test(path)) return null
  return path.replace(/ \(deleted\)$/, '').replace(/\/{2,}/g, '/')
}

export function watchedDaysOf(observed: readonly Pick<Observed, 'alert'>[]): WatchedDay[] {
  const days = new Map<string, WatchedDay>()
  for (const { alert } of observed) {
    const day = dayOf(alert.eventNs)
    const runtimeNs = alert.sensorSource === 'syscall' ? alert.eventNs : null
    const known = days.get(`${alert.scope}\n${day}`)
    if (known === undefined) days.set(`${alert.scope}\n${day}`, { scope: alert.scope, day, runtimeNs })
    else if (runtimeNs !== null && (known.runtimeNs === null || runtimeNs < known.runtimeNs)) known.runtimeNs = runtimeNs
  }
  return [...days.values()]
}
