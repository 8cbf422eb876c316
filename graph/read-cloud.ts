/** Reads what the world of a cloud holds besides entities: roles that were taken, and checks that fail. Of a cluster, the roles of its nodes. */
import type { Entity } from '../domain/entity.ts'
import { assumptions, failedChecks } from '../store/cloud-graph.ts'
import type { Queryable } from '../store/database.ts'
import { cloudChecks } from './cloud-checks.ts'
import type { World } from './world.ts'

export async function readCloud(
  db: Queryable,
  scope: string,
  nodes: readonly Entity[],
): Promise<Pick<World, 'assumptions' | 'failedChecks'>> {
  if (scope === 'global') return { assumptions: await assumptions(db), failedChecks: await failedChecks(db, cloudChecks) }
  const instances = nodes.flatMap((node) => instanceOf(node) ?? [])
  return { assumptions: instances.length === 0 ? [] : await assumptions(db, instances), failedChecks: [] }
}

/** "aws:///eu-central-1a/i-0abc": the instance a node is. */
export const instanceOf = ({ properties }: Pick<Entity, 'properties'>): string | undefined =>
  typeof properties.providerId === 'string' ? /^aws:\/\/.*\/(i-[0-9a-f]{8,17})$/.exec(properties.providerId)?.[1] : undefined
