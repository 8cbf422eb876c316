/** Operations on sources, on the ledger of what was looked at, and on the input that could not be read. */
import { z } from 'zod'
import { listDeadLetters } from '../../../store/dead-letters.ts'
import { blindBetween } from '../../../store/internal-messages.ts'
import { listSensors } from '../../../store/sensors.ts'
import { listSources } from '../../../store/sources.ts'
import { coverage, silentBeforeNs } from '../../../store/coverage-ledger.ts'
import { replay } from '../replay.ts'
import { addSource, disableSource, forgetSource, rotateSecret, ScopeName, setExpected, type SourceWithSecret } from '../sources.ts'
import { modelInLedger } from '../asking.ts'
import { EventMoment, operation } from './operation.ts'
import { CoveredView, coveredView } from './views/coverage.ts'
import { date } from './views/fields.ts'
import { GapView, gapView, SensorView, sensorView } from './views/sensor.ts'
import { DeadLetterView, deadLetterView, SourceView, sourceView } from './views/source.ts'

const withSecret = z.object({
  source: SourceView,
  secret: z.string().describe('Shown this once; only its hash is kept'),
  connect: z.string().describe('How to connect it, Markdown'),
})
const shown = ({ source, secret, connect }: SourceWithSecret): z.infer<typeof withSecret> => ({
  source: sourceView(source),
  secret,
  connect,
})

export const sourceOperations = [
  operation({
    id: 'listSources',
    method: 'GET',
    path: '/sources',
    permission: 'sources.read',
    summary: 'What may send records, and when each was last heard',
    response: z.object({ sources: z.array(SourceView) }),
    run: async ({ falconer: { db } }) => ({ sources: (await listSources(db)).map(sourceView) }),
  }),
  operation({
    id: 'createSource',
    method: 'POST',
    path: '/sources',
    permission: 'sources.manage',
    summary: 'Add a source; answers its secret once',
    reveals: true,
    body: z.object({ name: z.string(), collector: z.string(), scope: ScopeName.optional() }),
    response: withSecret,
    run: async ({ falconer, who, body }) =>
      shown(
        await addSource(falconer, who, { name: body.name, collector: body.collector, scope: body.scope ?? falconer.config.FALCONER_SCOPE }),
      ),
  }),
  operation({
    id: 'rotateSource',
    method: 'POST',
    path: '/sources/:source/rotate',
    permission: 'sources.manage',
    summary: 'New secret; the old one stops working',
    reveals: true,
    body: z.object({}).default({}),
    response: withSecret,
    run: async ({ falconer, who, params }) => shown(await rotateSecret(falconer, who, params.source ?? '')),
  }),
  operation({
    id: 'disableSource',
    method: 'POST',
    path: '/sources/:source/disable',
    permission: 'sources.manage',
    summary: 'Refuse what it sends',
    body: z.object({}).default({}),
    response: SourceView,
    run: async ({ falconer, who, params }) => sourceView(await disableSource(falconer, who, params.source ?? '', true)),
  }),
  operation({
    id: 'enableSource',
    method: 'POST',
    path: '/sources/:source/enable',
    permission: 'sources.manage',
    summary: 'Take what it sends again',
    body: z.object({}).default({}),
    response: SourceView,
    run: async ({ falconer, who, params }) => sourceView(await disableSource(falconer, who, params.source ?? '', false)),
  }),
  operation({
    id: 'forgetSource',
    method: 'POST',
    path: '/sources/:source/forget',
    permission: 'sources.manage',
    summary: 'Take back what it said of the graph, and only what no other source says; its alerts and findings stay',
    body: z.object({}).default({}),
    response: z.object({
      source: SourceView,
      relations: z.number().int(),
      entities: z.number().int().describe('That no other source knows'),
      aliases: z.number().int(),
    }),
    run: async ({ falconer, who, params }) => {
      const { source, forgotten } = await forgetSource(falconer, who, params.source ?? '')
      return { source: sourceView(source), ...forgotten }
    },
  }),
  operation({
    id: 'getCoverage',
    method: 'GET',
    path: '/coverage',
    permission: 'sources.read',
    summary: 'What was looked at and when, and what is not known: those with gaps first',
    query: z.object({
      scope: ScopeName.optional(),
      limit: z.coerce.number().int().min(1).max(10_000).default(500).describe('Of sensors and of scans'),
    }),
    response: z.object({
      at: date,
      covered: z.array(CoveredView),
      total: z.number().int(),
      withGaps: z.number().int(),
      complete: z.boolean().describe('False: there are more than `limit`'),
    }),
    run: async ({ falconer, query }) => {
      const { covered, ...counts } = await coverage({ ...falconer, model: modelInLedger(falconer) }, query)
      return { ...counts, covered: covered.map(coveredView) }
    },
  }),
  operation({
    id: 'expectSource',
    method: 'POST',
    path: '/sources/:source/expect',
    permission: 'sources.manage',
    summary: 'How long it may be silent before that is a gap',
    body: z.object({ minutes: z.number().int().min(1).max(525_600).nullable().describe('Null: as its collector says') }),
    response: SourceView,
    run: async ({ falconer, who, params, body }) =>
      sourceView(await setExpected(falconer, who, params.source ?? '', body.minutes === null ? null : body.minutes * 60_000)),
  }),
  operation({
    id: 'listSensors',
    method: 'GET',
    path: '/sensors',
    permission: 'sources.read',
    summary: 'What sensors say of themselves: last heard, version, counters, and the times they dropped events in',
    query: z.object({ host: z.string().max(253).optional(), limit: z.coerce.number().int().min(1).max(1_000).default(50) }),
    response: z.object({
      sensors: z.array(SensorView).describe('First those that are silent or dropped events'),
      total: z.number().int(),
      dropping: z.number().int().describe('So many dropped events or alerts'),
      silent: z.number().int().describe('So many were not heard for two hours'),
    }),
    run: async ({ falconer, query: { host, limit } }) => {
      const before = silentBeforeNs(falconer.clock)
      const { sensors, ...counts } = await listSensors(falconer.db, { limit, hostname: host, silentBeforeNs: before })
      return { sensors: sensors.map((sensor) => sensorView(sensor, before)), ...counts }
    },
  }),
  operation({
    id: 'listGaps',
    method: 'GET',
    path: '/sensors/gaps',
    permission: 'sources.read',
    summary: 'What a stretch of time may lack, because sensors dropped events in it; none told is not none dropped',
    query: z.object({
      scope: ScopeName.optional().describe('Cluster'),
      host: z.string().max(253).optional(),
      from: EventMoment,
      to: EventMoment,
      limit: z.coerce.number().int().min(1).max(1_000).default(200),
    }),
    response: z.object({ gaps: z.array(GapView.extend({ hostname: z.string() })).describe('By stretches of ten minutes, oldest first') }),
    run: async ({ falconer: { db, config }, query: { scope, host, from, to, limit } }) => {
      const gaps = await blindBetween(db, scope ?? config.FALCONER_SCOPE, host ?? null, from, to, limit)
      return { gaps: gaps.map(({ hostname, ...gap }) => ({ hostname, ...gapView(gap) })) }
    },
  }),
  operation({
    id: 'listDeadLetters',
    method: 'GET',
    path: '/dead-letters',
    permission: 'sources.read',
    summary: 'Input that could not be read, with reasons',
    query: z.object({ before: z.uuid().optional(), limit: z.coerce.number().int().min(1).max(200).default(50) }),
    response: z.object({ deadLetters: z.array(DeadLetterView) }),
    run: async ({ falconer: { db }, query }) => ({ deadLetters: (await listDeadLetters(db, query)).map(deadLetterView) }),
  }),
  operation({
    id: 'replayDeadLetter',
    method: 'POST',
    path: '/dead-letters/:letter/replay',
    permission: 'sources.manage',
    summary: 'Read it again',
    body: z.object({}).default({}),
    response: z.object({ accepted: z.number(), deadLetters: z.number(), format: z.string() }),
    run: ({ falconer, who, params }) => replay(falconer, who, params.letter ?? ''),
  }),
]
