/** A view with only some kinds of edges: what those still join to the centre stays, the rest was not asked for. */
import type { GraphView } from '../../domain/graph-view.ts'
import { edgesOf } from './fold.ts'
import { byText } from './words.ts'

export type EdgeChoice = { type: string; title: string; count: number }

/** What can be chosen from, by its words. */
export function edgeChoices(view: GraphView): EdgeChoice[] {
  const choices = new Map<string, EdgeChoice>()
  for (const { type, title } of edgesOf(view)) {
    const before = choices.get(type)
    choices.set(type, { type, title, count: (before?.count ?? 0) + 1 })
  }
  return [...choices.values()].sort((a, b) => byText(a.title, b.title) || byText(a.type, b.type))
}

/** `types` empty: all of it. */
export function narrowed(view: GraphView, types: readonly string[]): GraphView {
  if (types.length === 0) return view
  const edges = edgesOf(view).filter(({ type }) => types.includes(type))
  const joined = Map.groupBy(
    edges.flatMap(
      ({ from, to }) =>
        [
          [from, to],
          [to, from],
        ] as [string, string][],
    ),
    ([from]) => from,
  )
  const kept = new Set(view.centre)
  // A set is walked over what is added while it is walked.
  for (const id of kept) for (const [, next] of joined.get(id) ?? []) kept.add(next)
  if (view.centre.length === 0) for (const id of joined.keys()) kept.add(id)
  return { ...view, nodes: view.nodes.filter(({ id }) => kept.has(id)), edges: edges.filter(({ from }) => kept.has(from)) }
}
