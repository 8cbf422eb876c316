/** An alert in the fields one chooses by: who did what, where and when. What is absent, its sensor did not say. */
import { z } from 'zod'
import type { Lead } from '../../domain/alert.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import { Priority } from '../../domain/severity.ts'
import { type Entry, placeOf } from '../../incidents/timeline.ts'
import { Quoted, quote } from '../quoted.ts'

export const AlertRow = z.object({
  id: z.string(),
  at: z.string(),
  rule: Quoted,
  priority: Priority,
  where: Quoted.optional().describe('namespace/pod, else container, else host'),
  process: Quoted.optional().describe('Command line, else name'),
  user: Quoted.optional(),
  target: Quoted.optional().describe('File, or the connection’s ends'),
})
const longest = 200

export function alertRow(alert: Lead, most = longest): z.input<typeof AlertRow> {
  const { process, file } = alert
  return {
    id: alert.id,
    at: formatEventTime(alert.eventNs),
    rule: quote(alert.rule, 120),
    priority: alert.priority,
    ...some('where', placeOf(alert), 160),
    ...some('process', process?.cmdline ?? process?.name, most),
    ...some('user', process?.user, 60),
    ...some('target', file ?? endsOf(alert), most),
  }
}
const some = <K extends string>(name: K, text: string | null | undefined, most: number): { [N in K]?: Quoted } =>
  (text == null || text === '' ? {} : { [name]: quote(text, most) }) as { [N in K]?: Quoted }

/** “client -> server”, as far as they are known. */
export function endsOf({ connection }: Lead): string | null {
  if (connection === null) return null
  const { clientIp, clientPort, serverIp, serverPort, protocol } = connection
  const end = (ip: string | null, port: number | null): string => `${ip ?? '?'}${port === null ? '' : `:${port}`}`
  return `${end(clientIp, clientPort)} -> ${end(serverIp, serverPort)}${protocol === null ? '' : ` ${protocol}`}`
}

export const EntryRow = AlertRow.extend({
  times: z.number().int().optional().describe('So often, this one first'),
  until: z.string().optional().describe('When the last of them was'),
  otherTargets: z.number().int().optional().describe('How many of them had another file or connection'),
})
export const entryRow = ({ alert, times, lastNs, others }: Entry, most?: number): z.input<typeof EntryRow> => ({
  ...alertRow(alert, most),
  ...(times === 1 ? {} : { times, until: formatEventTime(lastNs), ...(others === 0 ? {} : { otherTargets: others }) }),
})
