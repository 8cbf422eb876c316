/** Derives attack steps of the units that changed. All of a unit at once and in one transaction: a crash leaves the mark, and the unit is derived again. */
import type { Clock } from '../domain/clock.ts'
import type { NewStep } from '../domain/graph.ts'
import { replaceSteps } from '../store/attack-steps.ts'
import type { Database, Transaction } from '../store/database.ts'
import { markReach, noteStepFixes } from '../store/fix-marks.ts'
import { takeUnits, type Unit, unitDerived } from '../store/graph-units.ts'
import { replaceRiskPlaces } from '../store/risk-places.ts'
import { reconsiderEscapes } from '../store/reconsider.ts'
import { readWorld, unitKind } from './read-world.ts'
import { riskPlacesOf } from './fixes/risk-places.ts'
import { stepFixId } from './fixes/step-fix.ts'
import { graphVersion, type UnitKind } from './step-rule.ts'
import { stepRules } from './steps/registry.generated.ts'
import type { World } from './world.ts'

/** Up to `limit` units. Answers how many were derived, and whether there may be more. */
export async function deriveMarked(db: Database, clock: Clock, limit = 5): Promise<{ derived: number; more: boolean }> {
  return db.transaction(async (tx) => {
    const units = await takeUnits(tx, limit)
    for (const unit of units) {
      const differently = await deriveUnit(tx, unit, await readWorld(tx, unit))
      await unitDerived(tx, unit, { version: graphVersion, at: clock.now(), differently })
    }
    return { derived: units.length, more: units.length === limit }
  })
}

/** Answers whether its steps came out differently. */
async function deriveUnit(tx: Transaction, unit: Unit, world: World): Promise<boolean> {
  const kind = unitKind(unit.unit)
  const steps = stepsOf(world, kind)
  const { written, removed, fixesBefore } = await replaceSteps(tx, unit, steps)
  if (written + removed > 0)
    await noteStepFixes(
      tx,
      unit.scope,
      fixesBefore,
      steps.flatMap((step) => (step.fix === null ? [] : [{ fixId: stepFixId(world, step.fix), stepKey: step.fix.key }])),
    )
  if (written + removed > 0) await reconsiderEscapes(tx, unit.scope)
  const differing = kind === 'namespace' ? await replaceRiskPlaces(tx, unit, riskPlacesOf(world)) : 0
  if (written + removed + differing > 0) await markReach(tx, unit.scope)
  return written + removed > 0
}

/** Pure. */
export const stepsOf = (world: World, kind: UnitKind): NewStep[] =>
  stepRules
    .filter((rule) => rule.unit === kind)
    .flatMap((rule) => [...rule.steps(world)].map((step) => ({ ...step, type: rule.name, technique: rule.technique })))
