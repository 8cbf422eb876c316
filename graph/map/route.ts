/**
 * The way of a line between two boxes: out at one side, in at another, level where it passes a column of boxes, bent only between columns. So it
 * crosses no box that it does not touch.
 */
export type Point = { x: number; y: number }
export type Frame = { x: number; y: number; width: number; height: number }
/** What is at one distance: where its boxes begin and end. */
export type Column = { middle: number; from: number; to: number }

/** Boxes of a column have their middles above each other. */
export function columnsOfBoxes(frames: readonly Frame[]): Column[] {
  const columns: Column[] = []
  for (const { x, width } of frames) {
    const column = columns.find(({ middle }) => Math.abs(middle - (x + width / 2)) <= 1)
    if (column === undefined) columns.push({ middle: x + width / 2, from: x, to: x + width })
    else [column.from, column.to] = [Math.min(column.from, x), Math.max(column.to, x + width)]
  }
  return columns.sort((a, b) => a.middle - b.middle)
}

/** `between`: where the layout leads it, the ends left out. */
export function routed(from: Frame, to: Frame, between: readonly Point[], columns: readonly Column[]): Point[] {
  const start = middleOf(from)
  const end = middleOf(to)
  const through = between.flatMap((point, at) => {
    const column = columnAt(columns, point.x)
    if (column === undefined) return [point]
    const before = between[at - 1] ?? start
    const sides = [column.from - gap, column.to + gap].map((x) => ({ x, y: point.y }))
    return before.x <= point.x ? sides : sides.toReversed()
  })
  const leaving = sideTowards(from, through[0] ?? end, columns)
  const arriving = sideTowards(to, through.at(-1) ?? start, columns).toReversed()
  const points = [...leaving, ...through, ...arriving].map(({ x, y }) => ({ x: Math.round(x), y: Math.round(y) }))
  return points.filter(({ x, y }, at) => x !== points[at - 1]?.x || y !== points[at - 1]?.y)
}

const gap = 4
const middleOf = ({ x, y, width, height }: Frame): Point => ({ x: x + width / 2, y: y + height / 2 })
const columnAt = (columns: readonly Column[], x: number): Column | undefined => columns.find(({ middle }) => Math.abs(middle - x) <= 1)

/** From the box’s edge level to the edge of its column. */
function sideTowards(frame: Frame, next: Point, columns: readonly Column[]): Point[] {
  const { x, y } = middleOf(frame)
  const column = columnAt(columns, x)
  return next.x >= x
    ? [
        { x: frame.x + frame.width, y },
        { x: (column?.to ?? x) + gap, y },
      ]
    : [
        { x: frame.x, y },
        { x: (column?.from ?? x) - gap, y },
      ]
}

/** As path data: level at every point, so that nothing bends sharply. */
export function pathOf(points: readonly Point[]): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  let before = first
  return `M${first.x} ${first.y}${rest
    .map((point) => {
      const middle = (before.x + point.x) / 2
      const piece = point.y === before.y ? `H${point.x}` : `C${middle} ${before.y} ${middle} ${point.y} ${point.x} ${point.y}`
      before = point
      return piece
    })
    .join('')}`
}
