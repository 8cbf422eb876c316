/** Inventory: what collectors recorded, by kind, and one record. */
import { type EntityKind, EntityKind as EntityKindSchema } from '../../../domain/entity.ts'
import { NotFoundError } from '../../../domain/errors.ts'
import { isRowNumber } from '../../../domain/ids.ts'
import { getEntity, listEntities, ownersOf, relatedEntities } from '../../../store/entities.ts'
import { inventoryFreshness } from '../../../store/inventory-standing.ts'
import { clusterPage, entityPage } from '../cluster-page.ts'
import { page, type WebRoute } from '../route.ts'

const pageSize = 100

export const clusterRoutes: readonly WebRoute[] = [
  page('/cluster', 'inventory.read', async ({ falconer, who, query }) => {
    const kind: EntityKind = EntityKindSchema.safeParse(query('kind')).data ?? 'pod'
    const after = query('after')
    const entities = await listEntities(falconer.db, {
      kind,
      limit: pageSize,
      ...(after !== undefined && isRowNumber(after) ? { afterId: BigInt(after) } : {}),
    })
    return clusterPage(falconer, who, {
      freshness: await inventoryFreshness(falconer.db),
      kind,
      entities,
      next: entities.length === pageSize ? (entities.at(-1)?.id.toString() ?? null) : null,
    })
  }),
  page('/cluster/:entity', 'inventory.read', async ({ falconer, who, param }) => {
    const { db } = falconer
    const entity = await getEntity(db, param('entity'))
    if (entity === undefined) throw new NotFoundError('There is no such inventory record.')
    const containers = entity.kind === 'pod' ? await relatedEntities(db, entity.id, 'HAS_CONTAINER', 'out') : []
    return entityPage(falconer, who, entity, (await ownersOf(db, [entity.id]))[0] ?? [], containers)
  }),
]
