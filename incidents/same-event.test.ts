import { sql } from 'kysely'
import { beforeAll, describe, expect, it } from 'vitest'
import { falco } from '../collectors/falco/falco.ts'
import { readInput } from '../collectors/read.ts'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import { stringifyExact } from '../domain/exact-json.ts'
import type { Principal } from '../domain/principal.ts'
import { searchAlerts } from '../store/alert-search.ts'
import { getAlerts, listAlerts } from '../store/alerts.ts'
import type { Database } from '../store/database.ts'
import { listIncidents } from '../store/incidents.ts'
import { accept } from '../store/intake.ts'
import { alertCandidates, membershipsOf, tellingTheSame } from '../store/memberships.ts'
import { ensurePartitions } from '../store/partitions.ts'
import { eachDatabase } from '../test/support/database.ts'
import { delivery, storedAlert } from '../test/support/records.ts'
import { decide } from './decide.ts'
import { correlatePending } from './pipeline.ts'
import { tellsTheSame } from './same-event.ts'

const clock = new FixedClock('2026-11-24T12:00:00Z')
const at = 1_788_264_000_123_456_789n
const long = `bash -c ${'x'.repeat(498)}é${'x'.repeat(400)}`
const uuid = (n: number): string => `0bada55e-0000-4000-8000-${String(n).padStart(12, '0')}`

type Document = Record<string, unknown> & { output_fields: Record<string, unknown> }
/** As Falco sends it. */
const sent = (fields: Record<string, unknown> = {}): Document => ({
  hostname: 'node-1',
  output: 'a shell',
  priority: 'Warning',
  rule: 'Terminal shell in container',
  source: 'syscall',
  tags: ['T1059'],
  time: '2026-09-01T12:00:00.123456789Z',
  output_fields: {
    'container.id': 'c0ffee000001',
    'evt.time': at,
    'proc.cmdline': 'bash',
    'proc.pid': 7,
    'proc.aname[2]': null,
    ...fields,
  },
})
/** The same as falcosidekick passes it on: its uuid, the operator's fields, long texts cut. */
const relayed = (document: Document, n: number): Document => {
  // Bytes, as it counts: here the cut goes through a character.
  const cut = (value: unknown): unknown =>
    typeof value === 'string' && Buffer.byteLength(value) > 512 ? `${Buffer.from(value).subarray(0, 507).toString()}[...]` : value
  const fields = Object.entries(document.output_fields).map(([name, value]) => [name, cut(value)])
  return { uuid: uuid(n), ...document, output_fields: { ...Object.fromEntries(fields), environment: 'production' } }
}

async function read(scope: string, documents: readonly Document[]): Promise<NewAlert[]> {
  const alerts: NewAlert[] = []
  await readInput(
    (async function* () {
      yield Buffer.from(documents.map((document) => stringifyExact(document)).join('\n'))
    })(),
    {
      path: 'test',
      format: falco.name,
      source: { sourceId: null, sourceName: 'test', scope, receivedNs: at },
      onBatch: async ({ records, deadLetters }) => {
        expect(deadLetters).toEqual([])
        alerts.push(...records.flatMap((record) => (record.kind === 'alert' ? [record.alert] : [])))
      },
    },
  )
  return alerts
}

const correlateAll = async (db: Database): Promise<void> => {
  while ((await correlatePending(db, clock)).more);
}

describe('tellsTheSame', () => {
  const direct = storedAlert('a', { eventNs: at, fields: sent({ 'proc.cmdline': long }).output_fields })
  const odd = storedAlert('a', { eventNs: at, fields: { ...direct.fields, constructor: 'x', toString: 'y' } })
  const other = (over: Record<string, unknown>, fields: Record<string, unknown> = {}): boolean =>
    tellsTheSame(
      direct,
      storedAlert('b', {
        eventNs: at,
        relayedAs: uuid(1),
        truncated: ['proc.cmdline'],
        fields: { ...relayed(sent({ 'proc.cmdline': long }), 1).output_fields, ...fields },
        ...over,
      }),
    )

  it('is told of a copy with its uuid, further fields and cut texts', () => {
    expect(other({})).toBe(true)
    expect(other({ hostname: null })).toBe(true)
  })
  it('is not told of one without a field that is called as what every object has', () => {
    const copy = storedAlert('b', { eventNs: at, relayedAs: uuid(1), fields: direct.fields })
    expect(tellsTheSame(odd, copy)).toBe(false)
    expect(tellsTheSame(odd, { ...copy, fields: odd.fields })).toBe(true)
  })
  it.each([
    ['a nanosecond later', { eventNs: at + 1n }, {}],
    ['of another rule', { rule: 'Other' }, {}],
    ['of another priority', { priority: 'Error' }, {}],
    ['of another host', { hostname: 'node-2' }, {}],
    ['of another cluster', { scope: 'other' }, {}],
    ['not relayed', { relayedAs: null }, {}],
    ['with another pid', {}, { 'proc.pid': 8 }],
    ['with its pid as text', {}, { 'proc.pid': '7' }],
    ['without its pid', {}, { 'proc.pid': undefined }],
    ['with another number beyond 2^53', {}, { 'evt.time': at + 1n }],
    ['cut of another text', {}, { 'proc.cmdline': `bash -c y${'x'.repeat(498)}[...]` }],
    ['that only ends as a cut text does', { truncated: [] }, { 'proc.cmdline': `${long.slice(0, 506)}\ufffd[...]` }],
  ])('is not told of one %s', (_title, over, fields) => {
    expect(other(over, fields)).toBe(false)
  })
})

eachDatabase('the same event by two routes', (database) => {
  beforeAll(async () => ensurePartitions(database(), clock.now()))
  const documents = [sent(), sent({ 'proc.cmdline': long, 'proc.pid': 8 }), sent({ 'proc.pid': 9 })]
  const copies = [relayed(documents[0] as Document, 1), relayed(documents[1] as Document, 2), relayed(documents[1] as Document, 3)]
  const orders: [string, (Document | null)[]][] = [
    ['Falco first', [...documents, null, ...copies]],
    ['falcosidekick first', [...copies, null, ...documents]],
    ['all at once', [...copies, ...documents]],
    [
      'one by one',
      [copies[1], null, documents[0], null, copies[0], null, documents[1], null, copies[2], null, documents[2]] as (Document | null)[],
    ],
  ]

  it.each(orders)('guarantee 26: %s: each event is shown and counted once, and nothing is merged or lost', async (title, order) => {
    const scope = `route ${title}`
    let waiting: Document[] = []
    for (const document of [...order, null])
      if (document !== null) waiting.push(document)
      else {
        await accept(database(), clock, [delivery({ scope, alerts: await read(scope, waiting) })])
        await correlateAll(database())
        waiting = []
      }
    const { incidents } = await listIncidents(database(), { scope }, { limit: 10 })
    expect(incidents.map((incident) => incident.alertCount)).toEqual([3])
    const incidentId = incidents[0]?.id ?? ''
    const shown = await listAlerts(database(), { incidentId }, { limit: 20 })
    expect(shown.alerts.map((alert) => [alert.relayedAs, alert.process?.pid])).toEqual(
      expect.arrayContaining([
        [null, 7n],
        [null, 8n],
        [null, 9n],
      ]),
    )
    expect(shown.alerts).toHaveLength(3)
    expect(await alertCandidates(database(), incidentId)).toHaveLength(3)
    expect((await searchAlerts(database(), { rule: 'Terminal shell in container', scope }, { limit: 50 })).alerts).toEqual(shown.alerts)
    // What only falcosidekick added is found at the alert that stands for the event.
    const added = await searchAlerts(database(), { text: 'production', scope }, { limit: 50 })
    expect(added.alerts.map((alert) => [alert.relayedAs, alert.process?.pid]).sort()).toEqual([
      [null, 7n],
      [null, 8n],
    ])
    expect(await membershipsOf(database(), { incidentId })).toHaveLength(6)
    const same = await tellingTheSame(
      database(),
      shown.alerts.map((alert) => alert.id),
    )
    const told = await Promise.all(
      shown.alerts.map(async (alert) => [
        alert.process?.pid,
        (await getAlerts(database(), same.get(alert.id) ?? [])).map((one) => one.relayedAs).sort(),
      ]),
    )
    expect(told).toEqual(
      expect.arrayContaining([
        [7n, [uuid(1)]],
        [8n, [uuid(2), uuid(3)]],
        [9n, []],
      ]),
    )
  })

  it.each(['Falco', 'falcosidekick'])(
    'what is split off, named as %s sent it, takes along what tells of the same event',
    async (sender) => {
      const scope = `route split ${sender}`
      await accept(database(), clock, [delivery({ scope, alerts: await read(scope, [...documents, ...copies]) })])
      await correlateAll(database())
      const incident = (await listIncidents(database(), { scope }, { limit: 10 })).incidents[0]
      const { alerts } = await listAlerts(database(), { incidentId: incident?.id ?? '' }, { limit: 20 })
      const direct = alerts.find((alert) => alert.process?.pid === 8n)?.id ?? ''
      const chosen = sender === 'Falco' ? direct : ((await tellingTheSame(database(), [direct])).get(direct)?.[0] ?? '')
      const ada: Principal = { id: 'u1', kind: 'user', name: 'Ada', role: 'responder', personId: 'u1', mayApprove: true }
      await decide(database(), clock, ada, 'web', { kind: 'split', incident: incident?.id ?? '', alerts: [chosen] }, '')
      const counts = await database().query<{ n: number; alerts: number }>(
        sql`select count(m.*)::int as n, i.alert_count as alerts from incidents i join incident_alerts m on m.incident_id = i.id where i.scope = ${scope} group by i.id, i.alert_count order by 1, 2`,
      )
      expect(counts).toEqual([
        { n: 3, alerts: 1 },
        { n: 3, alerts: 2 },
      ])
    },
  )
})
