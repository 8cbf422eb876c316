/** What someone who reaches a place needs to get into it: a known flaw, the easiest there is, or one that nobody has shown. Pure. */
import type { StepEvidence } from '../../domain/graph.ts'
import { listed } from '../evidence.ts'
import type { Place, World } from '../world.ts'

/** `cost` as step rules count: 2 a flaw known to be exploited, 3 a known flaw, 4 a flaw that nobody has shown. */
export type WayIn = {
  cost: 2 | 3 | 4
  code: 'flaw_known_exploited' | 'flaw_over_network' | 'no_flaw_known' | 'not_scanned'
  text: string
  evidence: StepEvidence[]
}

const mostNamed = 3

export function wayIn(world: World, place: Place): WayIn {
  const known = world.weaknesses(place)
  const images = listed(place.spec.containers.flatMap(({ init, image }) => (init || image === '' ? [] : [image])))
  if (known === undefined) return { cost: 4, code: 'not_scanned', text: `no scanner has looked at its images (${images})`, evidence: [] }
  const [worst] = known
  if (worst === undefined)
    return {
      cost: 4,
      code: 'no_flaw_known',
      text: `scanners know of no flaw in its images that can be reached over the network (${images})`,
      evidence: [],
    }
  const named = known.filter(({ kev }) => kev === worst.kev).slice(0, mostNamed)
  const what = listed(named.map(({ check, package: name }) => (name === null ? check : `${check} in ${name}`)))
  return {
    cost: worst.kev ? 2 : 3,
    code: worst.kev ? 'flaw_known_exploited' : 'flaw_over_network',
    text: `${what} ${named.length === 1 ? 'is' : 'are'} known${worst.kev ? ' to be exploited' : ''}`,
    evidence: named.map(({ finding, check }) => ({ finding, check })),
  }
}
