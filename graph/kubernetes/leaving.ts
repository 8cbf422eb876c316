/** From a way out of a container to steps: one for each node that the place runs on, or to some node where it runs on none yet. Pure. */
import type { EntityRef } from '../../domain/entity.ts'
import { everyOf, meetingPoint, type StepEvidence } from '../../domain/graph.ts'
import { shown, type Span, together } from '../evidence.ts'
import { type WayEnd, type WayOut, waysOut } from './privilege.ts'
import type { Step } from '../step-rule.ts'
import type { Place, World } from '../world.ts'

export function* leaving(world: World, precondition: string, wanted: (way: WayOut) => boolean): Iterable<Step> {
  for (const place of world.places)
    for (const way of waysOut(place))
      if (wanted(way))
        for (const { to, span, evidence } of endsOf(world, place, way.end))
          yield {
            from: place.ref,
            to,
            cost: way.cost,
            precondition,
            because: way.text,
            evidence: [...way.evidence, ...evidence],
            fix: way.fix,
            ...span,
          }
}

function endsOf({ scope }: World, place: Place, end: WayEnd): { to: EntityRef; span: Span; evidence: StepEvidence[] }[] {
  const own = { fromNs: place.fromNs, untilNs: place.untilNs }
  if (end === 'etcd') return [{ to: everyOf(scope, 'secret', null), span: own, evidence: [] }]
  const at = (node: string | null): EntityRef => {
    if (end !== 'node') return meetingPoint(scope, end, node)
    return node === null ? everyOf(scope, 'node', null) : { scope, kind: 'node', key: node }
  }
  if (place.nodes.length === 0) return [{ to: at(null), span: own, evidence: [] }]
  return place.nodes.flatMap(({ node, pod, ...during }) => {
    const span = together(place, during)
    return span === null ? [] : [{ to: at(node), span, evidence: [shown(pod, 'properties.node', node)] }]
  })
}
