/** The partition of alerts into incidents, all at once: what placing one by one (correlate.ts) comes to, in any order. */
import { byOf, chainWindow, meets, mostReached, type Placed, scopeOf, spaceOf, type Stretch, windowOf } from './correlate.ts'

/** Each a list of alert ids in event order. */
export function cluster(alerts: readonly Placed[]): string[][] {
  const sets = new DisjointSets()
  const ordered = uncrowded(alerts)
  const keys = new Map<string, Map<string, (Stretch & { alertId: string })[]>>()
  for (const alert of ordered)
    for (const fact of alert.facts) {
      const [space, by] = [spaceOf(fact), byOf(fact)]
      const origins = getOrAdd(keys, `${scopeOf(alert, fact)}\n${space}\n${fact.key}`, () => new Map())
      const chain = getOrAdd(origins, by, () => [])
      const last = chain.at(-1)
      if (last !== undefined && alert.eventNs - last.endNs <= chainWindow(space, by)) {
        sets.join(last.alertId, alert.id)
        last.endNs = alert.eventNs
      } else chain.push({ by, startNs: alert.eventNs, endNs: alert.eventNs, alertId: alert.id })
    }
  for (const origins of keys.values())
    for (const is of origins.get('') ?? [])
      for (const [by, chain] of origins)
        if (by !== '') for (const reaching of chain) if (meets(is, reaching)) sets.join(is.alertId, reaching.alertId)
  return [...Map.groupBy(ordered, ({ id }) => sets.find(id)).values()].map((group) => group.map(({ id }) => id))
}

/** In event order, without the moves of stretches that reached too many: those join nothing. */
export function uncrowded(alerts: readonly Placed[]): Placed[] {
  const ordered = alerts.toSorted((a, b) => (a.eventNs < b.eventNs ? -1 : a.eventNs > b.eventNs ? 1 : a.id < b.id ? -1 : 1))
  const open = new Map<string, { endNs: bigint; counted: Set<string> }>()
  const stretches = new Map<string, Set<string>>()
  for (const alert of ordered)
    for (const fact of alert.facts) {
      if (fact.counts === undefined) continue
      const key = `${scopeOf(alert, fact)}\n${fact.rule}\n${fact.key}`
      const before = open.get(key)
      const within = before !== undefined && alert.eventNs - before.endNs <= windowOf(fact.rule)
      const counted = (within ? before.counted : new Set<string>()).add(fact.counts)
      open.set(key, { endNs: alert.eventNs, counted })
      stretches.set(`${alert.id}\n${fact.rule}/${fact.key}`, counted)
    }
  if (stretches.size === 0) return ordered
  return ordered.map((alert) => ({
    ...alert,
    facts: alert.facts.filter((fact) => (stretches.get(`${alert.id}\n${byOf(fact)}`)?.size ?? 0) <= mostReached),
  }))
}

class DisjointSets {
  readonly #parent = new Map<string, string>()

  find(id: string): string {
    let root = id
    for (let next = this.#parent.get(root); next !== undefined; next = this.#parent.get(root)) root = next
    for (let at = id; at !== root;) {
      const next = this.#parent.get(at) as string
      this.#parent.set(at, root)
      at = next
    }
    return root
  }
  join(a: string, b: string): void {
    const [one, other] = [this.find(a), this.find(b)]
    if (one !== other) this.#parent.set(other, one)
  }
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
