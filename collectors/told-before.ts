/**
 * What an input has told of already: an audit log names the same identity with every record. Told again soon after, it says nothing new, as the
 * store would find (store/relations.ts); this only asks it less often.
 */
import { quarterHourNs } from '../domain/entity.ts'
import type { NewRecord } from '../domain/record.ts'

const mostRemembered = 20_000

export class ToldBefore {
  readonly #told = new Map<string, { first: bigint; last: bigint }>()

  /** Whether it is to be passed on. Of other records always. */
  isNews(record: NewRecord): boolean {
    const { key, at } = nameOf(record)
    if (key === null) return true
    const known = this.#told.get(key)
    if (known === undefined) {
      if (this.#told.size >= mostRemembered) this.#told.clear()
      this.#told.set(key, { first: at, last: at })
      return true
    }
    const says = at < known.first || at > known.last + quarterHourNs
    if (at < known.first) known.first = at
    else if (says) known.last = at
    return says
  }
}

const nothing = { key: null, at: 0n }
function nameOf(record: NewRecord): { key: string | null; at: bigint } {
  if (record.kind === 'entity') {
    const { kind, scope, key, name, observedNs: at } = record.entity
    return kind === 'identity' || kind === 'cloud_account' || kind === 'cloud_resource'
      ? { key: `${kind}\n${scope}\n${key}\n${name}`, at }
      : nothing
  }
  if (record.kind !== 'relation') return nothing
  const { from, type, to, observedNs: at } = record.relation
  return type === 'CONTAINS' && from.kind === 'cloud_account'
    ? { key: `${from.scope}\n${from.key}\n${to.kind}\n${to.scope}\n${to.key}`, at }
    : nothing
}
