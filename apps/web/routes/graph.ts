/** Maps: around a node, and around an incident. What cannot be asked is said on the page, with what was typed. */
import { InputError, NotFoundError } from '../../../domain/errors.ts'
import type { GraphView } from '../../../domain/graph-view.ts'
import { EventMoment } from '../../server/api/operation.ts'
import { findIncident } from '../../../store/find.ts'
import { graphView, type ViewQuestion } from '../../../graph/asked.ts'
import { deepest, type MapData, mapPage } from '../map-page.ts'
import { page, type SignedIn, type WebRoute } from '../route.ts'

export const graphRoutes: readonly WebRoute[] = [
  page('/graph', 'graph.read', async (visit) => {
    const given = givenOf(visit)
    const { node, scope } = given
    const asked = node === '' ? { view: null, problem: null } : await viewed(visit, { node, ...(scope === '' ? {} : { scope }) }, given)
    return mapPage(visit.falconer, visit.who, { incident: null, given, ...asked })
  }),
  page('/incidents/:incident/map', 'graph.read', async (visit) => {
    const { falconer, who, context, param } = visit
    const incident = await findIncident(falconer.db, param('incident'))
    if (incident.id !== param('incident')) return context.redirect(`/incidents/${incident.id}/map`)
    const given = givenOf(visit)
    return mapPage(falconer, who, { incident, given, ...(await viewed(visit, { incident: incident.id }, given)) })
  }),
]

function givenOf({ query, context }: SignedIn): MapData['given'] {
  const text = (name: string): string => (query(name) ?? '').trim().slice(0, 512)
  const depth = text('depth')
  return {
    node: text('node'),
    scope: text('scope'),
    depth: /^\d$/.test(depth) && Number(depth) >= 1 && Number(depth) <= deepest ? depth : '1',
    asOf: text('asOf'),
    types: (context.req.queries('type') ?? []).slice(0, 100),
  }
}

async function viewed(
  { falconer }: SignedIn,
  question: ViewQuestion,
  { depth, asOf }: MapData['given'],
): Promise<{ view: GraphView | null; problem: string | null }> {
  const at = asOf === '' ? null : EventMoment.safeParse(asOf)
  if (at?.success === false) return { view: null, problem: `As it was at: ${at.error.issues[0]?.message ?? ''}` }
  try {
    return { view: await graphView(falconer, question, { depth: Number(depth), atNs: at?.data ?? null }), problem: null }
  } catch (error) {
    if (error instanceof InputError || error instanceof NotFoundError) return { view: null, problem: error.message }
    throw error
  }
}
