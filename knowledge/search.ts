/**
 * One question over all that Falconer knows: incidents, notes, runbooks, findings, entities and alerts, each found in its own way, made one list by rank.
 * Runbooks, past incidents and notes are also found by likeness, where an embedder is there.
 */
import { formatEventTime, fromDate } from '../domain/event-time.ts'
import type { Alert } from '../domain/alert.ts'
import { type AlertSearch, searchAlerts } from '../store/alert-search.ts'
import type { Database } from '../store/database.ts'
import {
  entitiesByName,
  findingsByName,
  findingsByWords,
  incidentsByWords,
  notesByWords,
  type FoundEntity,
  type FoundFinding,
  type FoundIncident,
  type FoundNote,
} from '../store/word-search.ts'
import { knowledgeKinds } from '../store/knowledge.ts'
import { askKnowledge, type FoundKnowledge, type FoundPiece } from './find.ts'
import { fuse } from './fuse.ts'
import type { Meaning } from './meaning.ts'

export const hitKinds = ['incident', 'finding', 'alert', 'entity', 'runbook', 'document', 'note'] as const
export type HitKind = (typeof hitKinds)[number]
/** `title` and `detail` may be an attacker's words, and so may the `id` of a document, its path; `why` is ours. */
export type Hit = { kind: HitKind; id: string; title: string; detail: string | null; why: string; atNs: bigint | null }
export type Found = {
  hits: Hit[]
  /** No further back were words of alerts looked at; null: to the oldest. */ alertsBackTo: bigint | null
  /** What of knowledge was not looked at in full. */ said: string | null
}

export type Search = {
  text: string
  kinds?: readonly HitKind[] | undefined
  limit: number
  signal?: AbortSignal
  /** Not given: by words alone. */ meaning?: Meaning | undefined
}

export async function search(db: Database, { text, kinds = hitKinds, limit, signal, meaning }: Search): Promise<Found> {
  const known = askKnowledge(db, text, { kinds: knowledgeKinds.filter((kind) => kinds.includes(kind)), limit, meaning })
  const asked: Asked = { db, text, limit, known, alertsBackTo: null, said: null }
  const lists: Hit[][] = []
  for (const [kind, ask] of ways) {
    signal?.throwIfAborted()
    if (kind === 'known' ? knowledgeKinds.some((one) => kinds.includes(one)) : kinds.includes(kind)) lists.push(await ask(asked))
  }
  const hits = fuse(lists, keyOf).map(({ entry }) => entry)
  return { hits: hits.slice(0, limit), alertsBackTo: asked.alertsBackTo, said: asked.said }
}

type Asked = { db: Database; text: string; limit: number; known: () => Promise<FoundKnowledge> } & Pick<Found, 'alertsBackTo' | 'said'>

/** Of hits at the same place in their lists, the earlier list's is first. */
const ways: readonly (readonly [HitKind | 'known', (asked: Asked) => Promise<Hit[]> | Hit[]])[] = [
  ['incident', async ({ db, text, limit }) => (await incidentsByWords(db, text, limit)).map(incidentHit)],
  [
    'finding',
    async ({ db, text, limit }) => (await findingsByName(db, text, limit)).map((one) => findingHit(one, 'check or package of that name')),
  ],
  ['alert', alertsByField],
  ['entity', async ({ db, text, limit }) => (await entitiesByName(db, text, limit)).map(entityHit)],
  ['known', knownHits],
  ['finding', async ({ db, text, limit }) => (await findingsByWords(db, text, limit)).map((one) => findingHit(one, 'words of its check'))],
  ['note', async ({ db, text, limit }) => (await notesByWords(db, text, limit)).map(noteHit)],
  ['alert', alertsByPhrase],
]

/** Notes of one incident are told apart by when they were written. */
const keyOf = ({ kind, id, atNs }: Hit): string => (kind === 'note' ? `note ${id} ${atNs}` : `${kind} ${id}`)

const incidentHit = ({ id, title, severity, state, lastNs }: FoundIncident): Hit => ({
  kind: 'incident',
  id,
  title,
  detail: null,
  why: `its title, rules or techniques; ${severity}, ${state}`,
  atNs: lastNs,
})

const noteHit = ({ incidentId, text, at }: FoundNote): Hit => ({
  kind: 'note',
  id: incidentId,
  title: text,
  detail: null,
  why: 'words of a note at this incident',
  atNs: fromDate(at),
})

const entityHit = ({ id, kind, name, namespace, scope, lastNs, gone }: FoundEntity): Hit => ({
  kind: 'entity',
  id,
  title: `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`,
  detail: scope,
  why: gone ? 'its name; seen to be gone' : 'its name',
  atNs: lastNs,
})

const findingHit = ({ id, check, title, severity, status, resource, lastNs, alike }: FoundFinding, why: string): Hit => ({
  kind: 'finding',
  id,
  title: `${check}: ${title}`,
  detail: resource,
  why: `${why}; ${severity ?? 'severity not given'}, ${status}${alike > 1 ? `, the worst of ${alike}${alike >= 100 ? ' or more' : ''}` : ''}`,
  atNs: lastNs,
})

/** Alike ones are told once: so many to find others among them. */
const mostAlerts = 50

/** What is written as the value of a field that has an index. */
async function alertsByField({ db, text }: Asked): Promise<Hit[]> {
  const word = text.trim()
  const field: [AlertSearch, string] = /^[0-9a-f]{12}(?:[0-9a-f]{52})?$/.test(word)
    ? [{ containerId: word }, 'its container']
    : /^[^\s/]+\/[^\s/]+$/.test(word)
      ? [{ pod: word }, 'its pod']
      : [{ rule: word }, 'its rule']
  return onceEach((await searchAlerts(db, field[0], { limit: mostAlerts })).alerts, field[1])
}

async function alertsByPhrase(asked: Asked): Promise<Hit[]> {
  const { alerts, lookedBackTo, next } = await searchAlerts(asked.db, { text: asked.text }, { limit: mostAlerts })
  asked.alertsBackTo = lookedBackTo ?? (next === null ? null : (alerts.at(-1)?.eventNs ?? null))
  return onceEach(alerts, 'in its sentence or fields')
}

/** The newest of each rule and place: a storm is one hit. */
function onceEach(alerts: readonly Alert[], why: string): Hit[] {
  const hits = new Map<string, Hit>()
  for (const { id, rule, pod, container, hostname, process, eventNs } of alerts) {
    const place = pod === null ? (container?.id ?? hostname ?? null) : `${pod.namespace ?? ''}/${pod.name ?? ''}`
    const key = `${rule}\n${place}`
    const said = process?.cmdline ?? process?.name
    if (!hits.has(key))
      hits.set(key, {
        kind: 'alert',
        id,
        title: rule,
        detail: [place, said].filter((part) => part != null).join(': ') || null,
        why,
        atNs: eventNs,
      })
  }
  return [...hits.values()]
}

/** Runbooks, past incidents and the organisation's notes. Of a note the piece itself is told: nothing else reads it. */
async function knownHits(asked: Asked): Promise<Hit[]> {
  const { pieces, said } = await asked.known()
  asked.said = said
  return pieces.map((piece) => ({
    kind: piece.kind,
    id: piece.ref,
    title: piece.title,
    detail: piece.kind === 'document' ? piece.text : piece.text.slice(0, 300),
    why: whys[piece.by],
    atNs: piece.kind === 'runbook' ? null : fromDate(piece.at),
  }))
}
const whys: Record<FoundPiece['by'], string> = {
  words: 'its words',
  likeness: 'likeness to what was asked',
  both: 'its words, and likeness',
}

export const backToText = (alertsBackTo: bigint | null): string =>
  alertsBackTo === null ? 'words of all alerts' : `words of alerts back to ${formatEventTime(alertsBackTo)}`
