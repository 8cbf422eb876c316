/**
 * Detections: what in an audit log deserves an alert, one YAML file each beside its collector, read once at the start. A file that is not
 * a detection stops the start. Which events match is in match.ts; this makes the alert.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import type { NewActivity } from '../domain/activity.ts'
import type { NewAlert } from '../domain/alert.ts'
import { attackFromTags, tactics } from '../domain/attack.ts'
import { ConfigError } from '../domain/errors.ts'
import { Priority, prioritySeverity } from '../domain/severity.ts'
import { compileAll, Condition, type Predicate } from './match.ts'

const DetectionFile = z.strictObject({
  id: z.string().regex(/^[a-z\d]+(-[a-z\d]+)*$/),
  title: z.string().min(5).max(120),
  description: z.string().min(20),
  priority: Priority,
  tactics: z.array(z.enum(tactics.map(([, tag]) => tag))).min(1),
  techniques: z.array(z.string().regex(/^T\d{4}(\.\d{3})?$/)).min(1),
  match: z.array(Condition).min(1).describe('All of them hold'),
  falsePositives: z.array(z.string().min(10)).min(1),
  source: z.array(z.url()).min(1).describe('Where it is described in public'),
})
export type Detection = z.infer<typeof DetectionFile>
type Known = Detection & { holds: Predicate }

export type Catalogue = {
  all: readonly Detection[]
  /** Those that match, in the order of their ids. */
  matching(event: unknown): Detection[]
}

/** `by`: the field nearly all of them compare first; an event is held only against those that name its value, or none. */
export function readDetections(folder: URL, by: string): Catalogue {
  const known = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => readDetection(new URL(name, folder), name))
  const named = new Map<string, Known[]>()
  for (const detection of known)
    for (const value of valuesOf(detection, by) ?? ['']) named.set(value, [...(named.get(value) ?? []), detection])
  return {
    all: known,
    matching(event) {
      const value = fieldOf(event, by)
      const candidates = [...(named.get('') ?? []), ...(value === '' ? [] : (named.get(value) ?? []))]
      return candidates.filter(({ holds }) => holds(event)).sort((a, b) => (a.id < b.id ? -1 : 1))
    },
  }
}

function readDetection(file: URL, name: string): Known {
  const parsed = DetectionFile.safeParse(parse(readFileSync(file, 'utf8')))
  const fault = parsed.success
    ? parsed.data.id === name.replace(/\.yaml$/, '')
      ? null
      : `its id is “${parsed.data.id}”; it must be the file’s name`
    : parsed.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`).join('; ')
  if (!parsed.success || fault !== null) throw new ConfigError(`The detection ${file.pathname} cannot be used: ${fault}`)
  return { ...parsed.data, holds: compileAll(parsed.data.match) }
}

/** The values a detection allows a field, when it says so at its first level. */
function valuesOf({ match }: Detection, by: string): string[] | null {
  for (const condition of match) {
    if (!('path' in condition) || condition.path !== by) continue
    if ('equals' in condition) return [String(condition.equals)]
    if ('in' in condition) return condition.in.map(String)
  }
  return null
}

function fieldOf(event: unknown, by: string): string {
  const value = by
    .split('.')
    .reduce<unknown>(
      (inner, name) => (inner !== null && typeof inner === 'object' ? (inner as Record<string, unknown>)[name] : undefined),
      event,
    )
  return typeof value === 'string' ? value : ''
}

export type Detected = Pick<NewAlert, 'sensor' | 'sensorSource' | 'pod' | 'fields' | 'document'> & {
  /** What its key is made of, with the detection’s id: two stages of one request are one alert. */
  key: string
  /** Who did what to what, as half a sentence. */
  did: string
}

export function alertOf(detection: Detection, activity: NewActivity, { key, did, ...parts }: Detected): NewAlert {
  const tags = [detection.id, ...detection.tactics.map((tactic) => `mitre_${tactic}`), ...detection.techniques]
  return {
    scope: activity.scope,
    contentKey: createHash('sha256')
      .update(JSON.stringify([key, detection.id]))
      .digest('hex'),
    eventNs: activity.eventNs,
    eventTimeFrom: 'event',
    rule: detection.title,
    priority: detection.priority,
    severity: prioritySeverity[detection.priority],
    hostname: null,
    activityKey: activity.contentKey,
    relayedAs: null,
    truncated: [],
    tags,
    ...attackFromTags(tags),
    output: `${detection.title}: ${did}.`,
    container: null,
    process: null,
    file: null,
    connection: null,
    raw: activity.raw,
    ...parts,
  }
}
