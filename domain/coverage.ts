/**
 * The ledger of what was looked at: whether a source, a sensor or a scan is as fresh as it should be, and what is not known when it is not.
 * Silence, drops and empty scans are told as “not observed since”, never as nothing there. Pure.
 */
export const gapKinds = [
  'never',
  'absent',
  'silent',
  'gone',
  'dropping',
  'unread',
  'skewed',
  'empty',
  'failed',
  'unfinished',
  'untimed',
  'undelivered',
  'capped',
  'behind',
] as const
export type GapKind = (typeof gapKinds)[number]
/** `since`: what happened after it is not known; null: there is no such moment, or it never was observed. `says` is one sentence. */
export type CoverageGap = { kind: GapKind; since: Date | null; says: string }

/** What sees the world. Where none of these is, nothing was looked at, whoever else is told or asked. */
export const looks = ({ kind }: { kind: string }): boolean => kind === 'source' || kind === 'sensor' || kind === 'scan'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
/** How long what a collector reads is usually silent at most. */
const expected: Readonly<Record<string, number>> = {
  falco: 2 * hour,
  'kubernetes-audit': hour,
  cloudtrail: hour,
  kubernetes: day,
  'falco-rules': 365 * day,
  kev: 8 * day,
  epss: 3 * day,
}
/** Falco tells of itself hourly at most unless told otherwise: after twice that, silence is no news that all is well. */
export const sensorExpectedMs = 2 * hour
/** Of scans: a day’s rhythm is common, a week without one is a gap. */
export const scanExpectedMs = 7 * day

/** Null: a source that only files are imported under may be silent for ever; its scans tell for themselves. */
export const expectedMs = (source: { name: string; collector: string; expectedMs: number | null }): number | null =>
  source.expectedMs ?? (source.name.endsWith('-import') ? null : (expected[source.collector] ?? 2 * day))

/** A stretch of time as people say it, of at least a minute. */
export const spanOf = (ms: number): string =>
  ms >= 2 * day ? `${Math.round(ms / day)} days` : ms >= 2 * hour ? `${Math.round(ms / hour)} hours` : `${Math.round(ms / minute)} minutes`

/** Whether it has been silent for longer than it may. */
export function isSilent(source: Parameters<typeof expectedMs>[0] & { lastSeenAt: Date | null }, now: Date): boolean {
  const most = expectedMs(source)
  return source.lastSeenAt !== null && most !== null && now.getTime() - source.lastSeenAt.getTime() > most
}

export type SourceFacts = {
  name: string
  collector: string
  expectedMs: number | null
  disabledAt: Date | null
  lastSeenAt: Date | null
  deadLetters: number
  skewMs: number | null
}
/** A clock may be so far off before it is worth a word: what comes late by buffers is no skew. */
const mostAhead = 2 * minute

export function sourceGaps(source: SourceFacts, now: Date): CoverageGap[] {
  const gaps: CoverageGap[] = []
  const { lastSeenAt, disabledAt, skewMs } = source
  const most = expectedMs(source)
  if (disabledAt !== null) gaps.push({ kind: 'silent', since: disabledAt, says: 'It is disabled: what it sends is refused.' })
  else if (lastSeenAt === null) {
    if (most !== null) gaps.push({ kind: 'never', since: null, says: 'Nothing of it was ever observed.' })
  } else if (isSilent(source, now))
    gaps.push({
      kind: 'silent',
      since: lastSeenAt,
      says: `Not observed since then, though it is expected at least every ${spanOf(most ?? 0)}.`,
    })
  if (skewMs !== null && skewMs > mostAhead)
    gaps.push({ kind: 'skewed', since: null, says: `Its clock is ${spanOf(skewMs)} ahead of ours: the times it tells are off by that.` })
  if (source.deadLetters > 0)
    gaps.push({
      kind: 'unread',
      since: null,
      says: `${source.deadLetters.toLocaleString('en')} of what it sent could not be read: see dead letters.`,
    })
  return gaps
}

/** How pulling one resource of a scanner’s operator stands. */
export type PullFacts = { resource: string; state: 'waiting' | 'read' | 'absent' | 'failed'; detail: string | null; lookedAt: Date | null }
/** Of all resources of one operator. */
export function pullGaps(pulls: readonly PullFacts[]): CoverageGap[] {
  const short = ({ resource }: PullFacts): string => resource.split('.')[0] ?? resource
  const absent = pulls.filter(({ state }) => state === 'absent')
  const none = absent.length === pulls.length
  const gaps: CoverageGap[] = pulls
    .filter(({ state }) => state === 'failed')
    .map((one) => ({
      kind: 'failed',
      since: one.lookedAt,
      says: `Its ${short(one)} could not all be read: ${one.detail ?? 'no reason is known'}.`,
    }))
  if (absent.length > 0)
    gaps.push({
      kind: 'absent',
      since: null,
      says: `Not installed: the cluster serves ${none ? 'none of its resources' : `no ${absent.map(short).join(', ')}`}, so nothing is known from ${none ? 'it' : 'them'}.`,
    })
  return gaps
}

export type SensorFacts = { lastAt: Date; dropped: bigint; alertsDropped: bigint }
export function sensorGaps(sensor: SensorFacts, now: Date): CoverageGap[] {
  const gaps: CoverageGap[] = []
  if (now.getTime() - sensor.lastAt.getTime() > sensorExpectedMs)
    gaps.push({ kind: 'silent', since: sensor.lastAt, says: 'It has not told of itself since then.' })
  if (sensor.dropped > 0n)
    gaps.push({
      kind: 'dropping',
      since: null,
      says: `It did not see ${sensor.dropped.toLocaleString('en')} events, so attacks may have gone unseen.`,
    })
  if (sensor.alertsDropped > 0n)
    gaps.push({
      kind: 'dropping',
      since: null,
      says: `${sensor.alertsDropped.toLocaleString('en')} alerts it made could not be handed on.`,
    })
  return gaps
}

/** `lookedAt`: when a scan last came to its end with something in it; null: none ever did. */
export type ScanFacts = {
  observedAt: Date
  lookedAt: Date | null
  timed: boolean
  ended: boolean
  failed: string | null
  findings: number
  /** When the object that told of it was deleted in its cluster; null: it was not. */ goneAt: Date | null
}
export function scanGaps({ observedAt, lookedAt: since, timed, ended, failed, findings, goneAt }: ScanFacts, now: Date): CoverageGap[] {
  if (goneAt !== null)
    return [
      {
        kind: 'gone',
        since: goneAt,
        says: 'Its report was deleted in the cluster: what it found is not fixed by that, only no longer observed.',
      },
    ]
  if (!ended) return [{ kind: 'unfinished', since, says: 'Its newest report did not come to its end: what it does not list is not known.' }]
  if (failed !== null) return [{ kind: 'failed', since, says: `Its newest scan says nothing by what it does not list: ${failed}.` }]
  if (findings === 0)
    return [{ kind: 'empty', since, says: 'Its newest scan is empty. That says that somebody looked, not that there is nothing.' }]
  if (now.getTime() - observedAt.getTime() > scanExpectedMs)
    return [{ kind: 'silent', since, says: `Not scanned since then, for more than ${spanOf(scanExpectedMs)}.` }]
  if (!timed) return [{ kind: 'untimed', since: null, says: 'Its report does not say when it looked, only when it was received is known.' }]
  return []
}

const utc = (date: Date): string => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`

/** `failingSince`: it takes nothing since then. `refused`: so many of those waiting, by themselves. */
export type DestinationFacts = {
  waiting: number
  waitingSince: Date | null
  refused: number
  failingSince: Date | null
  nextAt: Date | null
  error: string | null
}
/** Whoever is told outside does not know what waits. What has waited for moments only is on its way. */
export function destinationGaps(
  { waiting, waitingSince, refused, failingSince, nextAt, error }: DestinationFacts,
  now: Date,
): CoverageGap[] {
  const next = failingSince === null || nextAt === null ? '' : ` It is tried again at ${utc(nextAt)}.`
  // Proposals and summaries are told too; one that is not tried any more has nothing left to be told.
  if (waiting === 0 && failingSince !== null && nextAt !== null && now.getTime() - nextAt.getTime() < 5 * minute)
    return [
      {
        kind: 'undelivered',
        since: null,
        says: `It has taken nothing since ${utc(failingSince)}${error === null ? '' : `: ${error}`}.${next}`,
      },
    ]
  const isLate = waitingSince !== null && now.getTime() - waitingSince.getTime() > 5 * minute
  if (waitingSince === null || (failingSince === null && refused === 0 && !isLate)) return []
  const what = `${waiting.toLocaleString('en')} ${waiting === 1 ? 'incident waits' : 'incidents wait'} to be told to it, the longest since ${utc(waitingSince)}`
  const alone = refused > 0 && failingSince === null ? `; ${refused.toLocaleString('en')} refused` : ''
  return [{ kind: 'undelivered', since: null, says: `${what}${alone}${error === null ? '' : `: ${error}`}.${next}` }]
}

/** `heardAt`: when a server last held a connection; null: none ever did. `waiting`: so many questions are not answered yet, the first since `waitingSince`. */
export type SlackFacts = {
  hearing: { since: Date; heardAt: Date | null; error: string | null } | null
  waiting: number
  waitingSince: Date | null
  error: string | null
}
/** A connection is opened anew every few hours, which takes a moment; an answer may take minutes. */
export function slackGaps({ hearing, waiting, waitingSince, error }: SlackFacts, now: Date): CoverageGap[] {
  const gaps: CoverageGap[] = []
  const since = hearing?.heardAt ?? hearing?.since ?? now
  if (hearing !== null && now.getTime() - since.getTime() > 1.5 * minute)
    gaps.push({
      kind: 'silent',
      since,
      says: `Slack is not heard since then${hearing.error === null ? '' : `: ${hearing.error}`}. What is asked or pressed there meanwhile may never be heard.`,
    })
  if (waitingSince !== null && (error !== null || now.getTime() - waitingSince.getTime() > 5 * minute))
    gaps.push({
      kind: 'undelivered',
      since: null,
      says: `${waiting.toLocaleString('en')} ${waiting === 1 ? 'question waits' : 'questions wait'} to be answered in Slack, the longest since ${utc(waitingSince)}${error === null ? '' : `: ${error}`}.`,
    })
  return gaps
}

/** No model reads incidents while the month’s money for them is spent. `words`: a clause. */
export const modelGaps = (words: string | null): CoverageGap[] =>
  words === null ? [] : [{ kind: 'capped', since: null, says: `It is not asked: ${words}.` }]
