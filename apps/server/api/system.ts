/** Operations on the whole: status, inventory, and the audit log. */
import { z } from 'zod'
import { EntityKind } from '../../../domain/entity.ts'
import { NotFoundError } from '../../../domain/errors.ts'
import { formatEventTime } from '../../../domain/event-time.ts'
import { listAudit, verifyAudit } from '../../../store/audit.ts'
import { getEntity, listEntities } from '../../../store/entities.ts'
import { inventoryFreshness } from '../../../store/inventory-standing.ts'
import { listDestinations } from '../../../store/incident-notices.ts'
import { countIncidents } from '../../../store/incidents.ts'
import { listPulls } from '../../../store/pulls.ts'
import { countPending } from '../../../store/segments.ts'
import { countProposals } from '../../../store/proposals.ts'
import { listSources } from '../../../store/sources.ts'
import { operation, RowNumber } from './operation.ts'
import { EntityView, entityView } from './views/entity.ts'
import { date } from './views/fields.ts'
import { SourceView, sourceView } from './views/source.ts'

export const systemOperations = [
  operation({
    id: 'getStatus',
    method: 'GET',
    path: '/status',
    permission: 'incidents.read',
    summary: 'What is there, and what was last heard when',
    response: z.object({
      incidents: z.array(z.object({ severity: z.string(), state: z.string(), incidents: z.number(), alerts: z.number() })),
      proposals: z.record(z.string(), z.number()),
      pendingAlerts: z.number(),
      sources: z.array(SourceView),
      destinations: z
        .array(
          z.object({
            name: z.string(),
            delivered: z.number(),
            deliveredAt: date.nullable(),
            waiting: z.number(),
            waitingSince: date.nullable(),
            refused: z.number().describe('Of those that wait, so many were refused by themselves'),
            failures: z.number().describe('In a row'),
            failingSince: date.nullable(),
            nextAt: date.nullable().describe('When a failing one is tried again'),
            error: z.string().nullable(),
          }),
        )
        .describe('Whom incidents are told outside'),
      inventory: z.array(z.object({ scope: z.string(), entities: z.number(), pods: z.number(), lastAt: z.string() })),
      cluster: z.unknown().nullable(),
      nats: z
        .object({
          state: z.string(),
          source: z.string(),
          server: z.string().nullable(),
          taken: z.number(),
          failed: z.number(),
          lastError: z.object({ at: date, text: z.string() }).nullable(),
        })
        .nullable()
        .describe('Of this server: whether alerts come from NATS, and why not; null when none is configured'),
      pulls: z
        .array(
          z.object({
            scope: z.string(),
            resource: z.string(),
            state: z.enum(['waiting', 'read', 'absent', 'failed']),
            since: date.nullable(),
            lookedAt: date.nullable().describe('When all there is was last listed'),
            objects: z.number(),
            detail: z.string().nullable(),
          }),
        )
        .describe('What scanners’ operators keep in the cluster, by resource; absent: not installed'),
      store: z.string(),
      intake: z
        .object({
          waitingBytes: z.number(),
          refused: z.number(),
          droppedConnections: z.number(),
          commits: z.number(),
          deliveries: z.number(),
        })
        .describe('Of this server since its start; what was refused was answered 503, and is lost unless it was sent again'),
      correlation: z
        .object({ alerts: z.number(), p50Ms: z.number(), p99Ms: z.number(), maxMs: z.number() })
        .describe('Milliseconds from an alert’s receipt until it is in its incident, of all since this server started'),
    }),
    run: async ({ falconer: { db, cluster, nats, intake, lag } }) => ({
      incidents: await countIncidents(db),
      proposals: await countProposals(db),
      pendingAlerts: await countPending(db),
      sources: (await listSources(db)).map(sourceView),
      destinations: await listDestinations(db),
      cluster,
      nats: nats?.state() ?? null,
      pulls: (await listPulls(db)).map(({ sourceId: _its, ...pull }) => pull),
      store: db.kind,
      intake: intake.stats,
      correlation: { alerts: lag.count, p50Ms: lag.percentile(50), p99Ms: lag.percentile(99), maxMs: lag.max },
      inventory: (await inventoryFreshness(db)).map(({ scope, entities, pods, lastNs }) => ({
        scope,
        entities,
        pods,
        lastAt: formatEventTime(lastNs),
      })),
    }),
  }),
  operation({
    id: 'listEntities',
    method: 'GET',
    path: '/entities',
    permission: 'inventory.read',
    summary: 'Inventory records that exist now',
    query: z.object({
      kind: EntityKind.optional(),
      scope: z.string().optional(),
      namespace: z.string().optional(),
      after: RowNumber.optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    response: z.object({ entities: z.array(EntityView), next: z.string().nullable() }),
    run: async ({ falconer: { db }, query }) => {
      const entities = await listEntities(db, { ...query, afterId: query.after })
      return { entities: entities.map(entityView), next: entities.length === query.limit ? (entities.at(-1)?.id.toString() ?? null) : null }
    },
  }),
  operation({
    id: 'getEntity',
    method: 'GET',
    path: '/entities/:entity',
    permission: 'inventory.read',
    summary: 'One inventory record',
    response: EntityView,
    run: async ({ falconer: { db }, params }) => {
      const entity = await getEntity(db, params.entity ?? '')
      if (entity === undefined) throw new NotFoundError(`There is no entity ${params.entity}.`)
      return entityView(entity)
    },
  }),
  operation({
    id: 'listAudit',
    method: 'GET',
    path: '/audit',
    permission: 'audit.read',
    summary: 'The audit log, newest first',
    query: z.object({
      before: RowNumber.optional(),
      subject: z.string().optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    response: z.object({
      entries: z.array(
        z.object({
          seq: z.string(),
          at: date,
          principal: z.object({ id: z.string(), kind: z.string(), name: z.string() }),
          channel: z.string(),
          action: z.string(),
          subject: z.string(),
          details: z.record(z.string(), z.unknown()),
          shownDigest: z.string().nullish(),
          hash: z.string(),
          previousHash: z.string(),
        }),
      ),
    }),
    run: async ({ falconer: { db }, query }) => ({
      entries: (await listAudit(db, query)).map((entry) => ({ ...entry, seq: entry.seq.toString() })),
    }),
  }),
  operation({
    id: 'verifyAudit',
    method: 'GET',
    path: '/audit/verify',
    permission: 'audit.read',
    summary: 'Walk the chain; with a checkpoint kept elsewhere, truncation shows too',
    query: z.object({ seq: RowNumber.optional(), hash: z.string().optional() }),
    response: z.object({
      entries: z.string(),
      broken: z.string().nullable().describe('First entry that does not fit'),
      head: z.object({ seq: z.string(), hash: z.string() }).nullable().describe('Keep this elsewhere'),
    }),
    run: async ({ falconer: { db }, query }) => {
      const { entries, broken, head } = await verifyAudit(
        db,
        query.seq === undefined || query.hash === undefined ? undefined : { seq: query.seq, hash: query.hash },
      )
      return {
        entries: entries.toString(),
        broken: broken?.toString() ?? null,
        head: head === null ? null : { seq: head.seq.toString(), hash: head.hash },
      }
    },
  }),
]
