/** The map: the same view is the same picture, it can be read at sixty boxes, and folding says nothing untrue. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GraphView } from '../../domain/graph-view.ts'
import { edge, grownView, node, shopView } from '../../test/support/graph-view.ts'
import { edgesOf, mostBoxes, mostLines, pictureOf } from './fold.ts'
import { type Drawing, drawingOf, type PlacedBox, type } from './layout.ts'
import { mermaidOf } from './mermaid.ts'
import { edgeChoices, narrowed } from './narrow.ts'
import { familyInset, familyOf } from './shapes.ts'
import { svgAlone, svgForPage } from './svg.ts'
import { rowsOf } from './table.ts'
import { columnsOf } from './words.ts'

const full = process.env.FALCONER_FULL === '1'
const rowOf = ({ number }: PlacedBox): string => `#row-${number}`
const all = (view: GraphView): string => {
  const drawing = drawingOf(view)
  return [svgAlone(drawing), svgForPage(drawing, rowOf), mermaidOf(drawing), JSON.stringify(rowsOf(view, drawing))].join('\n')
}

describe('the same view', () => {
  it('gives the same bytes, in whatever order its nodes and edges come', () => {
    const shuffled = fc.constantFrom(12, 60, 140).chain((size) => {
      const view = size < 20 ? shopView() : grownView(size)
      const some = <T>(of: readonly T[]): fc.Arbitrary<T[]> => fc.shuffledSubarray([...of], { minLength: of.length, maxLength: of.length })
      return fc.record({ view: fc.constant(view), nodes: some(view.nodes), edges: some(view.edges) })
    })
    const known = new Map<number, string>()
    fc.assert(
      fc.property(shuffled, ({ view, nodes, edges }) => {
        const expected = known.get(view.nodes.length) ?? all(view)
        known.set(view.nodes.length, expected)
        expect(all({ ...view, nodes, edges })).toBe(expected)
      }),
      { numRuns: full ? 300 : 12 },
    )
  })

  it('gives nearly the same picture when a leaf comes: every box stays in its column, and hardly two change places', () => {
    for (const size of [17, 30, 45, 58]) {
      const before = grownView(size)
      const after = grownView(size)
      after.nodes.push(node('new', 'secret', 'a-new-secret', 2, { namespace: 'shop' }))
      after.edges.push(edge('1', 'new', 'MOUNTS', { title: 'mounts' }))
      const places = (view: GraphView): Map<string, PlacedBox> =>
        new Map(drawingOf(view).boxes.map((box) => [box.members[0]?.id ?? '', box]))
      const [was, is] = [places(before), places(after)]
      const ids = [...was.keys()]
      const moved = ids.filter((id) => Math.abs((was.get(id)?.x ?? 0) - (is.get(id)?.x ?? 0)) > 12)
      expect(moved, `of ${size}`).toEqual([])
      let pairs = 0
      let swapped = 0
      for (const [at, a] of ids.entries())
        for (const b of ids.slice(at + 1)) {
          pairs += 1
          const above = (of: Map<string, PlacedBox>): number => Math.sign((of.get(a)?.y ?? 0) - (of.get(b)?.y ?? 0))
          if (above(was) * above(is) < 0) swapped += 1
        }
      expect(swapped / pairs, `of ${size}`).toBeLessThan(0.1)
    }
  })
})

/** Points along a line, as it is drawn. */
function along({ points }: Drawing['lines'][number]): { x: number; y: number }[] {
  return points.slice(1).flatMap((to, at) => {
    const from = points[at] ?? to
    return Array.from({ length: 25 }, (_one, step) => {
      const t = step / 24
      const middle = (from.x + to.x) / 2
      const cubic = (a: number, b: number, c: number, d: number): number =>
        a * (1 - t) ** 3 + 3 * b * t * (1 - t) ** 2 + 3 * c * t ** 2 * (1 - t) + d * t ** 3
      return { x: cubic(from.x, middle, middle, to.x), y: cubic(from.y, from.y, to.y, to.y) }
    })
  })
}

describe('at sixty boxes', () => {
  const drawings = [17, 40, 60, 61, 140, 400].map((size) => [size, drawingOf(grownView(size))] as const)

  it.each(drawings)('(%i nodes) no two overlap, none leaves the picture', (_size, { boxes, width, height }) => {
    expect(boxes.length).toBeLessThanOrEqual(mostBoxes)
    for (const [at, a] of boxes.entries()) {
      expect(a.x).toBeGreaterThanOrEqual(0)
      expect(a.y).toBeGreaterThanOrEqual(0)
      expect(a.x + a.width).toBeLessThanOrEqual(width)
      expect(a.y + a.height).toBeLessThanOrEqual(height)
      for (const b of boxes.slice(at + 1)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
        expect(apart, `${a.name} and ${b.name}`).toBe(true)
      }
    }
  })

  it.each(drawings)('(%i nodes) every text fits into its box', (_size, { boxes }) => {
    for (const box of boxes)
      for (const [text, size] of [
        [box.head, type.head],
        [box.shownName, type.name],
        [box.foot, type.foot],
      ] as const)
        expect(columnsOf(text) * size * type.advance, text).toBeLessThanOrEqual(box.width - 2 * familyInset[familyOf(box.kind)])
  })

  it.each(drawings)('(%i nodes) no line runs through a box that it does not touch', (_size, { boxes, lines }) => {
    const crossed = lines.flatMap((line) => {
      const way = along(line)
      return boxes
        .filter(({ number }) => number !== line.from && number !== line.to)
        .filter((box) => way.some(({ x, y }) => x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height))
        .map(({ name }) => `${boxes[line.from - 1]?.name} → ${boxes[line.to - 1]?.name} through ${name}`)
    })
    expect(crossed).toEqual([])
  })

  it.each(drawings)('(%i nodes) no label lies on a box or another label', (_size, { boxes, lines }) => {
    const half = (label: string): number => (columnsOf(label) * type.label * type.advance) / 2
    for (const [at, { label, labelAt }] of lines.entries()) {
      for (const box of boxes)
        expect(
          labelAt.x + half(label) <= box.x ||
            labelAt.x - half(label) >= box.x + box.width ||
            labelAt.y + 6 <= box.y ||
            labelAt.y - 6 >= box.y + box.height,
          `${label} on ${box.name}`,
        ).toBe(true)
      for (const other of lines.slice(at + 1))
        expect(
          Math.abs(labelAt.x - other.labelAt.x) >= half(label) + half(other.label) || Math.abs(labelAt.y - other.labelAt.y) >= 10,
          `${label} on ${other.label}`,
        ).toBe(true)
    }
  })
})

describe('what is too much', () => {
  it('is folded only where all of it is alike: same kind, same standing, same neighbours', () => {
    const views = fc.record({ size: fc.integer({ min: 61, max: 300 }), dropped: fc.infiniteStream(fc.integer({ min: 0, max: 9 })) })
    fc.assert(
      fc.property(views, ({ size, dropped }) => {
        const view = grownView(size)
        const drops = dropped[Symbol.iterator]()
        view.edges = view.edges.filter(() => drops.next().value !== 0)
        const { boxes } = pictureOf(view)
        const boxOf = new Map(boxes.flatMap((box) => box.members.map(({ id }) => [id, box.number] as const)))
        const touched = (id: string): string[] =>
          [
            ...new Set(
              edgesOf(view).flatMap(({ from, to, type: name }) => [
                ...(from === id ? [`> ${name} ${boxOf.get(to)}`] : []),
                ...(to === id ? [`< ${name} ${boxOf.get(from)}`] : []),
              ]),
            ),
          ].sort()
        for (const { members, centre } of boxes.filter((box) => box.members.length > 1)) {
          expect(centre).toBe(false)
          expect(new Set(members.map(({ kind, marks }) => `${kind} ${marks.join()}`)).size).toBe(1)
          if (boxes.length < mostBoxes) for (const { id } of members) expect(touched(id)).toEqual(touched(members[0]?.id ?? ''))
        }
      }),
      { numRuns: full ? 200 : 15 },
    )
  })

  it('is said with its number: 14 packages; the nodes of an incident, entries and targets stand alone', () => {
    const view = shopView()
    for (let at = 0; at < 60; at += 1) {
      view.nodes.push(node(`p${at}`, 'package', `lib-${at}`, 3))
      view.edges.push(edge('9', `p${at}`, 'HAS_PACKAGE'))
    }
    view.nodes.push(node('t1', 'secret', 'one', 2, { marks: ['target'] }), node('t2', 'secret', 'two', 2, { marks: ['target'] }))
    const { boxes, lines, left } = pictureOf(view)
    expect(boxes.find(({ members }) => members.length === 60)?.name).toBe('60 packages')
    expect(lines.find(({ to }) => boxes[to - 1]?.name === '60 packages')).toMatchObject({ count: 60, titles: ['has package'] })
    expect(
      boxes
        .filter(({ marks }) => marks.some((mark) => mark === 'target' || mark === 'incident'))
        .every(({ members }) => members.length === 1),
    ).toBe(true)
    expect(left).toBe(0)
  })

  it('and cannot be folded is left out, farthest first, and counted with what the answer left out before', () => {
    const nodes = Array.from({ length: 90 }, (_one, at) => node(`n${at}`, 'pod', `pod-${at}`, at))
    const edges = nodes.slice(1).map(({ id }, at) => edge(`n${at}`, id, `T${at}`))
    const drawing = drawingOf({ ...shopView(), centre: ['n0'], nodes, edges, more: 7 })
    expect(drawing.boxes.map(({ name }) => name)).toEqual(nodes.slice(0, mostBoxes).map(({ name }) => name))
    expect(drawing.left).toBe(30 + 7)
    expect(svgAlone(drawing)).toContain('37 more that the picture has no room for')
    expect(mermaidOf(drawing)).toContain('37 more that')
    expect(rowsOf({ ...shopView(), nodes, edges }, drawing).length).toBe(90)
  })

  it('and is joined by too many lines is folded too, then left out: every line can still be followed', () => {
    const nodes = [...shopView().nodes, ...Array.from({ length: 40 }, (_one, at) => node(`d${at}`, 'pod', `dense-${at}`, 1 + (at % 3)))]
    const edges = nodes.flatMap(({ id }, at) => nodes.slice(at + 1, at + 9).map(({ id: to }, step) => edge(id, to, `T${step}`)))
    const { boxes, lines, left } = pictureOf({ ...shopView(), nodes, edges })
    expect(lines.length).toBeLessThanOrEqual(mostLines)
    expect(boxes.reduce((sum, { members }) => sum + members.length, 0) + left).toBe(nodes.length)
    expect(boxes.some(({ centre }) => centre)).toBe(true)
  })

  it('takes no longer than a moment', () => {
    const begun = performance.now()
    drawingOf(grownView(2_000))
    expect(performance.now() - begun).toBeLessThan(3_000)
  })
})

describe('the table', () => {
  it('says of every relation from both ends, attack steps first', () => {
    const view = shopView()
    const rows = rowsOf(view, drawingOf(view))
    const said = (name: string): string[] =>
      (rows.find(({ node: { kind, name: own } }) => `${kind} ${own}` === name)?.ties ?? []).map(
        ({ out, other, edge: { title, kind } }) => `${kind}: ${out ? `${title} ${other.node.name}` : `${other.node.name} ${title} it`}`,
      )
    expect(rows.map(({ number: at }) => at)).toEqual(view.nodes.map((_one, at) => at + 1))
    expect(said('node node-a')).toEqual(['step: checkout-7d9f6c5b4-x2x9q escapes to it', 'relation: checkout-7d9f6c5b4-x2x9q runs on it'])
    expect(said('service_account checkout')[0]).toBe('step: may read every Secret of namespace shop')
  })
})

describe('narrowed to some kinds of relation', () => {
  it('keeps what those join to the centre, and the choices stay whole', () => {
    const view = shopView()
    const only = narrowed(view, ['OWNS', 'SELECTS'])
    expect(new Set(only.nodes.map(({ id }) => id))).toEqual(new Set(['1', '2', '16', '6', '17']))
    expect(new Set(only.edges.map(({ type: name }) => name))).toEqual(new Set(['OWNS', 'SELECTS']))
    expect(narrowed(view, ['NOTHING']).nodes.map(({ id }) => id)).toEqual(['1'])
    expect(narrowed(view, [])).toBe(view)
    expect(edgeChoices(view)).toContainEqual({ type: 'OWNS', title: 'owns', count: 2 })
  })
})
