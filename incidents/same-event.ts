/**
 * The same event by two routes: sent by Falco itself, and again by falcosidekick, which adds fields and cuts long ones. The two
 * are kept as they came; the one Falco sent stands for both, is shown, and is counted. An inference: it is told as one.
 */
import type { Alert } from '../domain/alert.ts'
import { canonicalJson } from '../domain/canonical-json.ts'

/** Whether `relayed` tells of the event that `direct` does: the same moment, rule and host, and every field Falco wrote, whole or cut. */
export function tellsTheSame(direct: Alert, relayed: Alert): boolean {
  if (direct.relayedAs !== null || relayed.relayedAs === null) return false
  if (direct.scope !== relayed.scope || direct.eventNs !== relayed.eventNs || direct.eventTimeFrom !== 'event') return false
  if (direct.rule !== relayed.rule || direct.priority !== relayed.priority) return false
  if (direct.hostname !== null && relayed.hostname !== null && direct.hostname !== relayed.hostname) return false
  const fields = Object.entries(direct.fields)
  // Without a field nothing but the time tells two events apart.
  return fields.length > 0 && fields.every(([name, value]) => sameValue(value, own(relayed.fields, name), relayed.truncated.includes(name)))
}

/** Of a cut text the beginning must be the same; a character that was cut through is left as replacement characters. */
function sameValue(whole: unknown, relayed: unknown, isCut: boolean): boolean {
  return isCut && typeof whole === 'string' && typeof relayed === 'string'
    ? whole.startsWith(relayed.slice(0, -cutMark.length).replace(/\ufffd{1,3}$/, ''))
    : canonicalJson(whole ?? null) === canonicalJson(relayed ?? null)
}
const cutMark = '[...]'
/** What the sensor wrote; never what every object has. */
const own = (fields: Alert['fields'], name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined)

/** One alert of a moment in an incident. `sameAs`: the alert that stands for it, as stored so far. */
export type Witness = { alert: Alert; sameAs: string | null; isNew: boolean }
export type Link = {
  alertId: string
  sameAs: string
  /** The new alert that adds one less to its incident's count, for the event was counted, or is with the other. */ uncounted: string
}

/** Links the alerts of one moment in one incident: whichever came first, Falco's own stands for the event. */
export function linkMoment(witnesses: readonly Witness[]): Link[] {
  const directs = witnesses.filter(({ alert }) => alert.relayedAs === null).toSorted((a, b) => (a.alert.id < b.alert.id ? -1 : 1))
  return witnesses.flatMap(({ alert, sameAs, isNew }): Link[] => {
    const direct = sameAs === null ? directs.find((one) => (isNew || one.isNew) && tellsTheSame(one.alert, alert)) : undefined
    return direct === undefined ? [] : [{ alertId: alert.id, sameAs: direct.alert.id, uncounted: isNew ? alert.id : direct.alert.id }]
  })
}
