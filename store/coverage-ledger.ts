/**
 * The coverage ledger, put together: each source, each sensor and each thing that was scanned, when it was last looked at, and its gaps; and
 * whom outside what was seen could not be told.
 */
import {
  type CoverageGap,
  destinationGaps,
  expectedMs,
  modelGaps,
  pullGaps,
  scanGaps,
  sensorExpectedMs,
  sensorGaps,
  slackGaps,
  sourceGaps,
} from '../domain/coverage.ts'
import { embedderGaps, isRead, notesExpectedMs, notesGaps, type Unanswered } from '../domain/knowledge-coverage.ts'
import { formatEventTime, fromDate, toDate } from '../domain/event-time.ts'
import { type Destination, listDestinations } from './incident-notices.ts'
import { lastReadByModel } from './deepenings.ts'
import { knownCounts } from './knowledge.ts'
import { embedderState } from './knowledge-vectors.ts'
import { notesStanding } from './notes-standing.ts'
import { goneScans, listPulls, type Pull } from './pulls.ts'
import { newestScans, type Scan } from './scans.ts'
import { heardWaiting } from './slack-heard.ts'
import { slackHearing } from './slack-hearing.ts'
import { listSensors, type Sensor } from './sensors.ts'
import { listSources, type Source } from './sources.ts'
import type { Clock } from '../domain/clock.ts'
import type { Database } from './database.ts'

/** `model`: what is asked of incidents, and why it is not now; `meaning`: search by likeness. None where none is configured. */
export type Ledgered = {
  db: Database
  clock: Clock
  model?: () => Promise<{ name: string; capped: string | null } | null>
  meaning?: { readonly embedder: { readonly name: string }; readonly failing: Unanswered | null } | null | undefined
}

/** A sensor that was last heard before this is silent. */
export const silentBeforeNs = (clock: Clock): bigint => fromDate(new Date(clock.now().getTime() - sensorExpectedMs))

export const coveredKinds = ['source', 'sensor', 'scan', 'destination', 'model', 'knowledge'] as const
export type CoveredKind = (typeof coveredKinds)[number]
export type Covered = {
  kind: CoveredKind
  name: string
  scope: string
  /** Who looks: the collector, “falco”, the scanner; of a destination how it is told. */ by: string
  /** When it was last looked at, or took what it was told; null: never. */ lastAt: Date | null
  expectedMs: number | null
  records: number
  deadLetters: number
  truncated: number
  gaps: CoverageGap[]
}
/** Those with gaps first, at most `limit` sensors and scans; `total` and `withGaps` count what is listed, and it is `complete` when that is all. */
export type Ledger = { at: Date; covered: Covered[]; total: number; withGaps: number; complete: boolean }

export async function coverage(
  { db, clock, model, meaning }: Ledgered,
  { limit, scope }: { limit: number; scope?: string | undefined },
): Promise<Ledger> {
  const at = clock.now()
  const sources = (await listSources(db)).filter((source) => scope === undefined || source.scope === scope)
  const { sensors, total: sensorCount } = await listSensors(db, { limit, scope, silentBeforeNs: silentBeforeNs(clock) })
  const scans = await newestScans(db, { limit: limit + 1, scope })
  const shown = scans.slice(0, limit)
  const gone = await goneScans(db, shown)
  const asked = scope === undefined ? ((await model?.()) ?? null) : null
  const pulls = Map.groupBy(await listPulls(db), ({ sourceId }) => sourceId)
  const covered = [
    ...sources.map((source) => ofSource(source, pulls.get(source.id) ?? [], at)),
    ...sensors.map((sensor) => ofSensor(sensor, at)),
    ...shown.map((scan) => ofScan(scan, gone.get(scan.id) ?? null, at)),
    ...(scope === undefined ? await listDestinations(db) : []).map((destination) => ofDestination(destination, at)),
    ...(scope === undefined ? await ofSlack(db, at) : []),
    ...(asked === null ? [] : [ofModel(asked, await lastReadByModel(db))]),
    ...(scope === undefined ? [...(await ofNotes(db, at)), ...(await ofEmbedder(db, meaning ?? null, at))] : []),
  ].sort((a, b) => Number(b.gaps.length > 0) - Number(a.gaps.length > 0))
  return {
    at,
    covered,
    total: covered.length,
    withGaps: covered.filter(({ gaps }) => gaps.length > 0).length,
    complete: scans.length <= limit && sensorCount <= limit,
  }
}

const ofSource = (source: Source, pulls: readonly Pull[], now: Date): Covered => ({
  kind: 'source',
  name: source.name,
  scope: source.scope,
  by: source.collector,
  lastAt: source.lastSeenAt,
  expectedMs: expectedMs(source),
  records: source.accepted + source.internal,
  deadLetters: source.deadLetters,
  truncated: source.truncated,
  gaps: [...sourceGaps(source, now), ...pullGaps(pulls)],
})

function ofSensor({ hostname, scope, messages, lastNs, snapshot, drops }: Sensor, now: Date): Covered {
  const counted = snapshot?.dropped ?? 0n
  const told = drops?.dropped ?? 0n
  const facts = { lastAt: toDate(lastNs), dropped: counted > told ? counted : told, alertsDropped: snapshot?.queueDropped ?? 0n }
  const name = hostname === '' ? 'host not told' : hostname
  return {
    kind: 'sensor',
    name,
    scope,
    by: 'falco',
    lastAt: facts.lastAt,
    expectedMs: null,
    records: messages,
    deadLetters: 0,
    truncated: 0,
    gaps: sensorGaps(facts, now),
  }
}

const ofScan = (scan: Scan, goneAt: Date | null, now: Date): Covered => ({
  kind: 'scan',
  name: scan.target.name,
  scope: scan.scope,
  by: scan.scanner,
  lastAt: toDate(scan.observedNs),
  expectedMs: null,
  records: scan.findings,
  deadLetters: 0,
  truncated: 0,
  gaps: scanGaps(
    {
      observedAt: toDate(scan.observedNs),
      lookedAt: scan.lookedNs === null ? null : toDate(scan.lookedNs),
      timed: scan.observedFrom === 'report',
      ended: scan.endedAt !== null,
      failed: scan.failed,
      findings: scan.findings,
      goneAt,
    },
    now,
  ),
})

const ofDestination = (destination: Destination, now: Date): Covered => ({
  kind: 'destination',
  name: destination.name,
  scope: 'all clusters',
  by: destination.name.startsWith('slack ') ? 'cards' : 'CloudEvents',
  lastAt: destination.deliveredAt,
  expectedMs: null,
  records: destination.delivered,
  deadLetters: 0,
  truncated: 0,
  gaps: destinationGaps(destination, now),
})

/** Those who ask in Slack; none where it is heard over HTTP and nothing waits: that nobody asks is no gap. */
async function ofSlack(db: Database, now: Date): Promise<Covered[]> {
  const hearing = (await slackHearing(db, now)) ?? null
  const { waiting, since: waitingSince, error } = await heardWaiting(db)
  const gaps = slackGaps({ hearing, waiting, waitingSince, error }, now)
  if (hearing === null && gaps.length === 0) return []
  return [
    {
      kind: 'destination',
      name: 'questions in Slack',
      scope: 'all clusters',
      by: hearing === null ? 'HTTP' : 'Socket Mode',
      lastAt: hearing?.heardAt ?? null,
      expectedMs: null,
      records: 0,
      deadLetters: 0,
      truncated: 0,
      gaps,
    },
  ]
}

const ofModel = ({ name, capped }: { name: string; capped: string | null }, read: { lastAt: Date | null; count: number }): Covered => ({
  kind: 'model',
  name,
  scope: 'all clusters',
  by: 'investigations',
  lastAt: read.lastAt,
  expectedMs: null,
  records: read.count,
  deadLetters: 0,
  truncated: 0,
  gaps: modelGaps(capped),
})

const ofKnowledge = { kind: 'knowledge', scope: 'all clusters', truncated: 0 } as const

/** None: no folder was named, or none is any more and nothing is known of it. */
async function ofNotes(db: Database, now: Date): Promise<Covered[]> {
  const notes = await notesStanding(db)
  if (notes === undefined) return []
  const { document: records } = await knownCounts(db)
  if (records === 0 && !isRead(notes, now)) return []
  const { folder: by, readAt: lastAt, refused: deadLetters } = notes
  return [{ ...ofKnowledge, name: 'notes', by, lastAt, expectedMs: notesExpectedMs, records, deadLetters, gaps: notesGaps(notes, now) }]
}

/** What is built in asks nobody: it is told of only while it has a gap. */
async function ofEmbedder(db: Database, meaning: NonNullable<Ledgered['meaning']> | null, now: Date): Promise<Covered[]> {
  if (meaning === null) return []
  const { name: by } = meaning.embedder
  const state = await embedderState(db, by)
  const gaps = embedderGaps(state, meaning.failing, now)
  if (by.startsWith('lexical ') && gaps.length === 0) return []
  const { usedAt: lastAt, done: records, refused: deadLetters } = state
  return [{ ...ofKnowledge, name: 'search by likeness', by, lastAt, expectedMs: null, records, deadLetters, gaps }]
}

const mostScans = 1_000
/** How fresh posture is, in one sentence that can stand beside any answer. Of more targets than can be looked through the newest count. */
export async function freshness({ db, clock }: Ledgered, scope?: string): Promise<string> {
  const now = clock.now()
  const scans = await newestScans(db, { limit: mostScans, scope })
  const [newest, oldest] = [scans[0], scans.at(-1)]
  if (newest === undefined || oldest === undefined)
    return 'No scanner has reported yet: nothing is known of vulnerabilities and configuration.'
  const gone = await goneScans(db, scans)
  const gaps = scans.filter((scan) => ofScan(scan, gone.get(scan.id) ?? null, now).gaps.length > 0).length
  const on = ({ observedNs }: Scan): string => `${formatEventTime(observedNs).slice(0, 16).replace('T', ' ')} UTC`
  const what = `${scans.length} ${scans.length === 1 ? 'thing was' : 'things were'} scanned, last at ${on(newest)}, the longest ago at ${on(oldest)}`
  return `${what}${gaps === 0 ? '' : `; of ${gaps} of them the newest scan is empty, failed, unfinished, undated or old`}. What was not scanned is not known.`
}
