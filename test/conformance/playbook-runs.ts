/**
 * What the playbook makes of real records: each file in a scope of its own, from bytes to grounded reports, beside what the bytes themselves say
 * of their rules and places, or authors of an attack of its technique. By none of the code that is measured.
 */
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { investigate } from '../../agent/investigate.ts'
import { playbook } from '../../agent/playbook/playbook.ts'
import { readInput } from '../../collectors/read.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Incident } from '../../domain/incident.ts'
import { claimParts, type Report } from '../../domain/report.ts'
import { correlatePending } from '../../incidents/pipeline.ts'
import type { Database } from '../../store/database.ts'
import { addRecord, emptyDelivery } from '../../store/delivery.ts'
import { listIncidents } from '../../store/incidents.ts'
import { accept } from '../../store/intake.ts'
import { attacks } from './stratus.ts'

export type Told = { incident: Incident; report: Report }
export type Run = { file: string; kind: 'attack' | 'benign' | 'cloud'; alerts: number; expected: Expected; told: Told[] }
export type Expected = { techniques: string[]; places: string[] }

/** The event-generator's logs, the captures of ordinary work, and the recorded attacks in a cloud. */
export async function filesOfRuns(data: string): Promise<Pick<Run, 'kind' | 'file'>[]> {
  const named = async (folder: string, of: (name: string) => boolean): Promise<string[]> =>
    (await readdir(join(data, folder)))
      .filter(of)
      .sort()
      .map((name) => join(data, folder, name))
  const pairs = [
    ['attack', await named('falco-alerts', (name) => /^falco(_|-clean|-alerts)/.test(name))],
    ['benign', await named('falco-replay/all-rules', (name) => name.endsWith('.jsonl'))],
    ['cloud', await named('cloudtrail', (name) => name.startsWith('stratus_'))],
  ] as const
  return pairs.flatMap(([kind, files]) => files.map((file) => ({ kind, file })))
}

/** Throws when an investigation fails. A file without an alert is a run without incidents. */
export async function runPlaybook(db: Database, clock: Clock, { file, kind }: Pick<Run, 'kind' | 'file'>): Promise<Run> {
  const scope = basename(file)
  const delivery = emptyDelivery({ sourceId: null, scope })
  let alerts = 0
  await readInput(createReadStream(file), {
    path: file,
    source: { sourceId: null, sourceName: 'import', scope, receivedNs: 0n },
    onBatch: async ({ records }) => {
      alerts += records.filter((record) => record.kind === 'alert').length
      for (const record of records) addRecord(delivery, record)
    },
  })
  await accept(db, clock, [delivery])
  while ((await correlatePending(db, clock)).more);
  const told: Told[] = []
  for (const incident of (await listIncidents(db, { scope }, { limit: 200 })).incidents) {
    const { report, error } = await investigate(db, clock, playbook, incident.id, { cluster: () => null })
    if (report === null) throw new Error(`${scope}: ${error}`)
    told.push({ incident, report })
  }
  const text = await textOf(file)
  const expected = kind === 'cloud' ? { techniques: techniquesOf(scope), places: attackersIn(text) } : expectedOf(text)
  return { file: scope, kind, alerts, expected, told }
}

async function textOf(file: string): Promise<string> {
  const bytes = await readFile(file)
  return new TextDecoder(bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8').decode(bytes)
}

/** Tags that name a technique, and of each alert where it was: the pod, else the container, else the host. */
function expectedOf(text: string): Expected {
  const techniques = new Set<string>()
  const places = new Set<string>()
  for (const line of text.split('\n')) {
    const alert = jsonIn(line)
    if (alert === null || typeof alert.rule !== 'string') continue
    for (const tag of alert.tags ?? []) if (/^T\d{4}(\.\d{3})?$/.test(tag)) techniques.add(tag)
    const place = placeIn(alert)
    if (place !== null) places.add(place)
  }
  return { techniques: [...techniques].sort(), places: [...places].sort() }
}

/** What the authors of an attack in a cloud call it; '' of one that is not in their list, which no report tells. */
const techniquesOf = (file: string): string[] => [attacks[file.replace(/^stratus_aws\.|\.json$/g, '')]?.[1] ?? '']

/** Who a recording of an attack is of: nearly all of it is done by the same one, whose name stands in it most often. */
function attackersIn(text: string): string[] {
  const counts = new Map<string, number>()
  for (const [, name = ''] of text.matchAll(/"arn": ?"arn:aws[^"]*:(?:user|assumed-role)\/([^"/]+)/g))
    counts.set(name, (counts.get(name) ?? 0) + 1)
  const [most] = [...counts].sort((a, b) => b[1] - a[1])
  return most === undefined ? [] : [most[0]]
}

type Written = { rule?: unknown; tags?: string[]; hostname?: string; output_fields?: Record<string, unknown> }
function jsonIn(line: string): Written | null {
  try {
    return JSON.parse(line.slice(Math.max(0, line.indexOf('{')))) as Written
  } catch {
    return null
  }
}

function placeIn({ hostname, output_fields: fields = {} }: Written): string | null {
  const [pod, namespace, container] = ['k8s.pod.name', 'k8s.ns.name', 'container.id'].map((name) => fields[name])
  if (typeof pod === 'string' && pod !== '' && typeof namespace === 'string') return `${namespace}/${pod}`
  return typeof container === 'string' && container !== '' && container !== 'host' ? container : (hostname ?? null)
}

/** Values that the report quotes anywhere in what it tells, as its claims cite them. */
export const citedBy = ({ report }: Told): Set<string> =>
  new Set(claimParts.flatMap((part) => report[part].flatMap(({ evidence }) => evidence.flatMap(({ value }) => value ?? []))))
