/**
 * What a question names: incidents, CVEs, places, things. Only the words of whoever asks are read so; text of records never is. What it does not name is
 * taken from the incident the thread is about, or from the one that was spoken of last.
 */
import { shortId } from '../../domain/ids.ts'
import type { Turn } from '../../domain/chat.ts'
import type { Question } from './answer.ts'
import { mended } from './typos.ts'

export type IncidentSaid =
  | { by: 'latest' | 'worst' | 'only' }
  | { by: 'severity'; severity: 'critical' | 'high' | 'medium' | 'low' }
  | { by: 'title'; words: string }

export type Asked = {
  text: string
  /** In small letters, without marks. */ words: string
  /** Short form or id. */ incident: string | null
  /** The question itself says which, by its id or otherwise. */ incidentNamed: boolean
  /** Said otherwise than by its id, and not looked up yet. */ said: IncidentSaid | null
  cve: string | null
  namespace: string | null
  cluster: string | null
  team: string | null
  /** “in payments”: a namespace, or a cluster. */ place: string | null
  /** kind/namespace/name, namespace/name, an ARN, a digest, or what stands between quotation marks. */ thing: string | null
  quoted: string | null
  proposal: string | null
  /** Words that may be bare names of things. */ names: readonly string[]
  /** Every word of some list is in it. */ has(...lists: RegExp[]): boolean
}

const kinds =
  'pod|deployment|daemonset|statefulset|replicaset|cronjob|job|workload|node|secret|serviceaccount|service account|service|role|clusterrole|ingress|namespace|image|container'
const name = '[a-z0-9][\\w.:@-]*'
const notPlaces = new Set(
  'first second third last next worst the a an our my your this that it its all any general total order use here there detail short brief which what last past current full each every production-like kubernetes containers one use used hour hours minute minutes day days week weeks month months past future seconds image progress sight who whom words production-wide particular'.split(
    ' ',
  ),
)

export function asked({ text, about, earlier }: Question): Asked {
  const plain = plainWords(text)
  const mendedWords = mended(plain)
  const named =
    /\binc-[0-9a-f]{10}\b/i.exec(text)?.[0] ?? /\bincident ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/i.exec(text)?.[1] ?? null
  const quoted = quotedIn(text)
  const known = named?.toLowerCase() ?? (about === null ? spokenOf(plain, earlier) : shortId('incident', about.id))
  const found = named === null ? incidentSaid(mendedWords, quoted) : null
  // “The incident” is the one that is spoken of, where one is.
  const said = found === null || (found.said.by === 'only' && known !== null) ? null : found.said
  const words = found === null ? plain : plain.replace(found.phrase, ' ')
  const namespace = first(words, `namespace (?:called |named )?(${name})`, `(${name}) namespace`)
  const cluster = first(words, `cluster (?:called |named )?(${name})`, `(${name}) cluster`)
  const place = first(words, ` (?:in|inside|within|what about|how about) (?:the )?(${name})`)
  return {
    text,
    words: mendedWords,
    incident: said === null ? known : null,
    incidentNamed: named !== null || said !== null,
    said,
    cve: /\bCVE-\d{4}-\d{4,}\b/i.exec(text)?.[0].toUpperCase() ?? calledCve(plain),
    namespace,
    cluster,
    team: first(words, `team (${name})`, `(${name}) team`),
    place: namespace === null && cluster === null ? place : null,
    thing: thingOf(words, text, namespace) ?? (said?.by === 'title' ? null : quoted),
    quoted,
    proposal: /\bprp-[0-9a-f]{10}\b/i.exec(text)?.[0].toLowerCase() ?? null,
    names: namesIn(words),
    has: (...lists) => lists.every((list) => list.test(mendedWords)),
  }
}

/** In small letters, between spaces, without marks. */
export const plainWords = (text: string): string =>
  ` ${text
    .toLowerCase()
    .replaceAll(/[?!,;]+|\.(?=\s|$)|:(?=\s|$)/g, ' ')
    .replaceAll('’', "'")
    .replaceAll(/\s+/g, ' ')
    .trim()} `
// A mark within a word, as in “can't”, begins nothing.
const quotedIn = (text: string): string | null =>
  /(?:^|[\s(])[“"'`‘«]([^“”"`’«»]{2,200}?)[”"'`’»](?=$|[\s?.,;:!)])/.exec(text)?.[1]?.trim() ?? null

const severityWords = 'critical|high|medium|low'
function incidentSaid(words: string, quoted: string | null): { said: IncidentSaid; phrase: string } | null {
  const say = (said: IncidentSaid, phrase: string) => ({ said, phrase })
  if (!/ (?:incident|case) /.test(words)) return null
  // “Who closed the incident” is about decisions, of whichever.
  const whoever = / who /.test(words)
  if (quoted !== null && quoted.length > 3) return say({ by: 'title', words: quoted }, quoted.toLowerCase())
  const latest = / (?:latest|last|newest|most recent) (?:\w+ )?incident /.exec(words)
  if (latest !== null) return say({ by: 'latest' }, latest[0])
  const worst = / (?:worst|biggest|top|most (?:severe|serious|critical|urgent|important)) (?:open )?incident /.exec(words)
  if (worst !== null) return say({ by: 'worst' }, worst[0])
  const severe = new RegExp(` (?:the|our|that|this|a) (?:open )?(${severityWords})(?:[ -]severity)? incident `).exec(words)
  if (severe !== null) return say({ by: 'severity', severity: severe[1] as 'critical' }, severe[0])
  const titled = / (?:incident|case) (?:called|named|titled|about|of|with|on|in|at) (?:the )?(.{3,120}?) $/.exec(words)
  if (titled !== null && / the (?:incident|case) /.test(words)) return say({ by: 'title', words: titled[1] ?? '' }, titled[0])
  const before =
    / the ((?!first|second|third|other|same|next|open|closed|contained|previous|whole|entire)[\w./:-]+(?: [\w./:-]+){0,4}?) (?:incident|case) /.exec(
      words,
    )
  if (before !== null && before[1] !== undefined) return say({ by: 'title', words: before[1] }, before[0])
  const only = / (?:the|that) (?:open )?(?:incident|case) /.exec(words)
  return only === null || whoever ? null : say({ by: 'only' }, only[0])
}

/** What the world calls them. */
const called: readonly (readonly [RegExp, string])[] = [
  [/ log4shell /, 'CVE-2021-44228'],
  [/ heartbleed /, 'CVE-2014-0160'],
  [/ shellshock /, 'CVE-2014-6271'],
  [/ spring4shell /, 'CVE-2022-22965'],
  [/ xz backdoor /, 'CVE-2024-3094'],
  [/ dirty ?pipe /, 'CVE-2022-0847'],
  [/ regresshion /, 'CVE-2024-6387'],
  [/ pwnkit /, 'CVE-2021-4034'],
  [/ ingressnightmare /, 'CVE-2025-1974'],
  [/ leaky vessels /, 'CVE-2024-21626'],
]
const calledCve = (words: string): string | null => called.find(([one]) => one.test(words))?.[1] ?? null

function namesIn(words: string): string[] {
  const after = / (?:of|from|to|into|is|are|does|do|can|could|about|on|for|has|reach|did|was) (?:the |our |my )?(?=([a-z0-9][\w.:@-]*))/g
  const found = [...words.matchAll(after)].map(([, one = '']) => one)
  return [
    ...new Set(
      found.filter((one) => one.length > 1 && !notPlaces.has(one) && !notNames.has(one) && !new RegExp(`^(?:${kinds})s?$`).test(one)),
    ),
  ]
}

function first(words: string, ...patterns: string[]): string | null {
  for (const pattern of patterns)
    for (const [, found = ''] of words.matchAll(new RegExp(pattern, 'g')))
      if (!notPlaces.has(found) && !/^\d+$/.test(found) && !new RegExp(`^(?:${kinds})s?$`).test(found)) return found
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
const notNames = new Set(
  'blast radius story verdict in of to on is has with and from can do does for be been being get got reach reached take taken read use used exposed internet internet-facing public attacker attackers intruder someone somebody anyone anybody anything something everything nothing everybody they them he she we i you me us there these those secrets nodes clusters pods cluster node secret account accounts admin root safe clean ok okay secure fine healthy compromised hacked vulnerable affected infected good bad well under attack path paths way incident incidents alert alerts finding findings proposal proposals change changes what which who how when where why not no yes or if by at as'.split(
    ' ',
  ),
)

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
