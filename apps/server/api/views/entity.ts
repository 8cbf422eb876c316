/** How the API shows an inventory record. */
import { z } from 'zod'
import type { Entity } from '../../../../domain/entity.ts'
import { formatEventTime } from '../../../../domain/event-time.ts'
import { time } from './fields.ts'

export const EntityView = z.object({
  id: z.string(),
  scope: z.string(),
  kind: z.string(),
  key: z.string(),
  name: z.string(),
  namespace: z.string().nullable(),
  properties: z.record(z.string(), z.unknown()),
  origin: z.string(),
  firstAt: time,
  lastAt: time,
  deletedAt: time.nullable(),
})
export const entityView = (entity: Entity): z.infer<typeof EntityView> => ({
  id: entity.id.toString(),
  scope: entity.scope,
  kind: entity.kind,
  key: entity.key,
  name: entity.name,
  namespace: entity.namespace,
  properties: entity.properties,
  origin: entity.origin,
  firstAt: formatEventTime(entity.firstNs),
  lastAt: formatEventTime(entity.lastNs),
  deletedAt: entity.deletedNs === null ? null : formatEventTime(entity.deletedNs),
})
