/** From what someone's rights amount to, to steps. Pure. */
import type { PowerName } from './power-rules.ts'
import { type Power, powersOf } from './powers.ts'
import { subjectsOf } from './rights.ts'
import type { Step } from '../step-rule.ts'
import type { World } from '../world.ts'

export function* usingRights(world: World, name: PowerName, precondition: string): Iterable<Step> {
  for (const subject of subjectsOf(world).values())
    for (const power of allPowers(world, subject))
      if (power.name === name) {
        const { to, because, evidence, fix, fromNs, untilNs } = power
        yield { from: subject.ref, to, cost: 1, precondition, because, evidence, fix, fromNs, untilNs }
      }
}

/** Asked by ten rules, worked out once. */
const cache = new WeakMap<World, Map<unknown, Power[]>>()
function allPowers(world: World, subject: Parameters<typeof powersOf>[1]): Power[] {
  const known = cache.get(world) ?? new Map<unknown, Power[]>()
  cache.set(world, known)
  const made = known.get(subject) ?? powersOf(world, subject)
  known.set(subject, made)
  return made
}
