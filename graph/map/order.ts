/**
 * Who stands above whom in a column: as a walk along the edges in reading order meets them, then once by the mean place of what leads there. The
 * layout’s own search crosses no fewer lines to speak of (17 and 27 against 20 and 32, of 45 and 58 boxes) and turns the picture over when a leaf comes.
 */
/** Of the layout’s graph, what is asked here; its own types are not found by Node’s way of resolving them. */
type Layered = { nodes(): string[]; node(id: string): { rank: number; order: number }; inEdges(id: string): { v: string }[] | undefined }

export const steadyOrder = (graph: Layered, order: (graph: Layered, options: { disableOptimalOrderHeuristic: true }) => void): void => {
  order(graph, { disableOptimalOrderHeuristic: true })
  const placeOf = (id: string): number => graph.node(id).order
  const columns = Map.groupBy(graph.nodes(), (id) => graph.node(id).rank)
  for (const rank of [...columns.keys()].sort((a, b) => a - b).slice(1)) {
    const column = (columns.get(rank) ?? []).toSorted((a, b) => placeOf(a) - placeOf(b))
    const mean = new Map(
      column.flatMap((id) => {
        const places = (graph.inEdges(id) ?? []).map(({ v }) => placeOf(v))
        return places.length === 0 ? [] : [[id, places.reduce((sum, place) => sum + place, 0) / places.length] as const]
      }),
    )
    const sorted = column.filter((id) => mean.has(id)).sort((a, b) => (mean.get(a) ?? 0) - (mean.get(b) ?? 0) || placeOf(a) - placeOf(b))
    // What nothing leads to keeps its place.
    const settled = column.map((id) => (mean.has(id) ? (sorted.shift() ?? id) : id))
    for (const [at, id] of settled.entries()) graph.node(id).order = at
  }
}
