/**
 * What a question names: incidents, CVEs, places, things. Only the words of whoever asks are read so; text of records never is. What it does not name is
 * taken from the incident the thread is about, or from the one that was spoken of last.
 */
import { shortId } from '../../domain/ids.ts'
import type { Turn } from '../../domain/chat.ts'
import type { Question } from './answer.ts'

export type Asked = {
  text: string
  /** In small letters, without marks. */ words: string
  /** Short form or id. */ incident: string | null
  /** It stands in the question itself. */ incidentNamed: boolean
  cve: string | null
  namespace: string | null
  cluster: string | null
  team: string | null
  /** “in payments”: a namespace, or a cluster. */ place: string | null
  /** kind/namespace/name, namespace/name, an ARN, a digest, or what stands between quotation marks. */ thing: string | null
  quoted: string | null
  proposal: string | null
  /** Every word of some list is in it. */ has(...lists: RegExp[]): boolean
}

const kinds =
  'pod|deployment|daemonset|statefulset|replicaset|cronjob|job|workload|node|secret|serviceaccount|service account|service|role|clusterrole|ingress|namespace|image|container'
const name = '[a-z0-9][\\w.:@-]*'
const notPlaces = new Set(
  'first second third last next worst the a an our my your this that it its all any general total order use here there detail short brief which what last past current full each every production-like kubernetes containers one'.split(
    ' ',
  ),
)

export function asked({ text, about, earlier }: Question): Asked {
  const words = ` ${text
    .toLowerCase()
    .replaceAll(/[?!,;]+|\.(?=\s|$)/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()} `
  const named =
    /\binc-[0-9a-f]{10}\b/i.exec(text)?.[0] ?? /\bincident ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/i.exec(text)?.[1] ?? null
  const quoted = /[“"'`‘«]([^“”"'`’«»]{2,200})[”"'`’»]/.exec(text)?.[1]?.trim() ?? null
  const namespace = first(words, `namespace (?:called |named )?(${name})`, `(${name}) namespace`)
  const cluster = first(words, `cluster (?:called |named )?(${name})`, `(${name}) cluster`)
  const place = first(words, ` in (?:the )?(${name})`)
  return {
    text,
    words,
    incident: named?.toLowerCase() ?? (about === null ? spokenOf(words, earlier) : shortId('incident', about.id)),
    incidentNamed: named !== null,
    cve: /\bCVE-\d{4}-\d{4,}\b/i.exec(text)?.[0].toUpperCase() ?? null,
    namespace,
    cluster,
    team: first(words, `team (${name})`, `(${name}) team`),
    place: namespace === null && cluster === null ? place : null,
    thing: thingOf(words, text, namespace) ?? quoted,
    quoted,
    proposal: /\bprp-[0-9a-f]{10}\b/i.exec(text)?.[0].toLowerCase() ?? null,
    has: (...lists) => lists.every((list) => list.test(words)),
  }
}

function first(words: string, ...patterns: string[]): string | null {
  for (const pattern of patterns)
    for (const [, found = ''] of words.matchAll(new RegExp(pattern, 'g')))
      if (!notPlaces.has(found) && !new RegExp(`^(?:${kinds})s?$`).test(found)) return found
  return null
}

function thingOf(words: string, text: string, namespace: string | null): string | null {
  const exact = /\b(?:arn:[\w:/.*+=,@-]+|sha256:[0-9a-f]{64})/i.exec(text)?.[0]
  if (exact !== undefined) return exact
  const slashed = new RegExp(`(?:^|\\s)((?:${kinds})/${name}(?:/${name})?|${name}/${name}(?:/${name})*)(?=\\s)`).exec(words)?.[1]
  const [, kind = '', called = ''] =
    [...words.matchAll(new RegExp(`\\b(${kinds}) (?:called |named )?(${name}(?:/${name})*)`, 'g'))].find(
      ([, of = '', what = '']) => of !== 'namespace' && !notPlaces.has(what) && !notNames.has(what),
    ) ?? []
  if (called === '' || (slashed !== undefined && !called.includes('/'))) return slashed ?? null
  const whole = called.includes('/') || namespace === null ? called : `${namespace}/${called}`
  const plain = kind === 'image' || kind === 'container' || kind === 'workload'
  return plain ? whole : `${kind.replace(' ', '_').replace('serviceaccount', 'service_account')}/${whole}`
}
const notNames = new Set('in of to on is has with and from can do does for'.split(' '))

/** Of the incidents that were told of last: the one that is counted to, or the only one. */
function spokenOf(words: string, earlier: readonly Turn[]): string | null {
  for (const { answer } of earlier.toReversed()) {
    const cited = answer?.claims.flatMap(({ evidence }) => evidence.filter(({ record }) => record === 'incident').map(({ id }) => id)) ?? []
    const ids = [...new Set(cited)]
    const counted = ordinals.findIndex((one) => one.test(words))
    if (ids.length > 0) return ids[counted] ?? (ids.length === 1 ? (ids[0] ?? null) : null)
  }
  return null
}
const ordinals = [
  /\b(?:first|1st|top|worst) (?:one|incident)\b/,
  /\b(?:second|2nd) (?:one|incident)\b/,
  /\b(?:third|3rd) (?:one|incident)\b/,
]
