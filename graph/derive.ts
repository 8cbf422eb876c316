/** Derives attack steps of the units that changed. All of a unit at once and in one transaction: a crash leaves the mark, and the unit is derived again. */
import type { Clock } from '../domain/clock.ts'
import type { NewStep } from '../domain/graph.ts'
import { replaceSteps } from '../store/attack-steps.ts'
import type { Database } from '../store/database.ts'
import { takeUnits, unitDerived } from '../store/graph-units.ts'
import { reconsiderEscapes } from '../store/reconsider.ts'
import { readWorld, unitKind } from './read-world.ts'
import { graphVersion, type UnitKind } from './step-rule.ts'
import { stepRules } from './steps/registry.generated.ts'
import type { World } from './world.ts'

/** Up to `limit` units. Answers how many were derived, and whether there may be more. */
export async function deriveMarked(db: Database, clock: Clock, limit = 20): Promise<{ derived: number; more: boolean }> {
  return db.transaction(async (tx) => {
    const units = await takeUnits(tx, limit)
    for (const unit of units) {
      const { written, removed } = await replaceSteps(tx, unit, stepsOf(await readWorld(tx, unit), unitKind(unit.unit)))
      if (written + removed > 0) await reconsiderEscapes(tx, unit.scope)
      await unitDerived(tx, unit, graphVersion, clock.now())
    }
    return { derived: units.length, more: units.length === limit }
  })
}

/** Pure. */
export const stepsOf = (world: World, kind: UnitKind): NewStep[] =>
  stepRules
    .filter((rule) => rule.unit === kind)
    .flatMap((rule) => [...rule.steps(world)].map((step) => ({ ...step, type: rule.name, technique: rule.technique })))
