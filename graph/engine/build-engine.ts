/** Makes the engine’s arrays from steps that come page by page, in any order: millions of rows are never in memory as objects. */
import { InvariantError } from '../../domain/errors.ts'
import type { BareStep } from '../../store/attack-steps.ts'
import { at, type StepGraph } from './engine.ts'

const mostCost = 9
/** A step per place; ends, type and fix by number. */
type Columns = { src: Uint32Array; dst: Uint32Array; cost: Uint8Array; type: Uint16Array; fix: Int32Array }

export class GraphBuilder {
  readonly #nodes = new Map<number, number>()
  readonly #types = new Map<string, number>()
  readonly #fixes = new Map<string, number>()
  readonly #pages: Columns[] = []
  #count = 0

  get steps(): number {
    return this.#count
  }

  /** A step from a thing to itself leads nowhere and is left out. */
  add(all: readonly BareStep[]): void {
    const steps = all.filter(({ src, dst }) => src !== dst)
    const page = columns(steps.length)
    for (const [place, { src, dst, cost, type, fixKey }] of steps.entries()) {
      if (!(cost >= 0 && cost <= mostCost)) throw new InvariantError(`A step of type ${type} costs ${cost}; steps cost 0 to ${mostCost}.`)
      page.src[place] = numberOf(this.#nodes, rowNumber(src))
      page.dst[place] = numberOf(this.#nodes, rowNumber(dst))
      page.cost[place] = cost
      page.type[place] = numberOf(this.#types, type)
      page.fix[place] = fixKey === null ? -1 : numberOf(this.#fixes, fixKey)
    }
    this.#pages.push(page)
    this.#count += steps.length
  }

  /** Once: what was added is let go. */
  build(): StepGraph {
    const steps = columns(this.#count)
    let filled = 0
    for (const page of this.#pages.splice(0)) {
      for (const name of ['src', 'dst', 'cost', 'type', 'fix'] as const) steps[name].set(page[name], filled)
      filled += page.src.length
    }
    const ids = Float64Array.from(this.#nodes.keys()).sort()
    const types = [...this.#types.keys()].sort()
    const fixKeys = [...this.#fixes.keys()].sort()
    const places = renumbering(ids, this.#nodes)
    renumber(steps.src, places)
    renumber(steps.dst, places)
    renumber(steps.type, renumbering(types, this.#types))
    renumber(steps.fix, renumbering(fixKeys, this.#fixes))
    const hops = hopsOf(sorted(steps, ids.length, types.length, fixKeys.length))
    return { ids, types, fixKeys, ...hops, ...startsOf(hops, ids.length), ...fixesOf(hops, fixKeys.length) }
  }
}

export function buildGraph(steps: readonly BareStep[]): StepGraph {
  const builder = new GraphBuilder()
  builder.add(steps)
  return builder.build()
}

const columns = (length: number): Columns => ({
  src: new Uint32Array(length),
  dst: new Uint32Array(length),
  cost: new Uint8Array(length),
  type: new Uint16Array(length),
  fix: new Int32Array(length),
})

function rowNumber(id: bigint): number {
  if (id < 0n || id > BigInt(Number.MAX_SAFE_INTEGER)) throw new InvariantError(`${id} is no row of entities.`)
  return Number(id)
}

function numberOf<Key>(numbers: Map<Key, number>, key: Key): number {
  const known = numbers.get(key)
  if (known !== undefined) return known
  numbers.set(key, numbers.size)
  return numbers.size - 1
}

/** From the order in which keys came to the order in which they stand. */
function renumbering<Key>(ordered: Iterable<Key>, numbers: ReadonlyMap<Key, number>): Uint32Array {
  const places = new Uint32Array(numbers.size)
  let place = 0
  for (const key of ordered) {
    places[numbers.get(key) as number] = place
    place += 1
  }
  return places
}

function renumber(column: Uint32Array | Uint16Array | Int32Array, places: Uint32Array): void {
  for (let step = 0; step < column.length; step += 1) if (at(column, step) >= 0) column[step] = at(places, at(column, step))
}

/** By source, destination, cost, type and fix: counted into place, the last of these first. */
function sorted(steps: Columns, nodes: number, types: number, fixes: number): Columns {
  let order = Uint32Array.from(steps.src.keys())
  order = counted(order, (step) => at(steps.fix, step) + 1, fixes + 1)
  order = counted(order, (step) => at(steps.type, step), types)
  order = counted(order, (step) => at(steps.cost, step), mostCost + 1)
  order = counted(order, (step) => at(steps.dst, step), nodes)
  order = counted(order, (step) => at(steps.src, step), nodes)
  const arranged = columns(order.length)
  for (const name of ['src', 'dst', 'cost', 'type', 'fix'] as const)
    for (let place = 0; place < order.length; place += 1) arranged[name][place] = at(steps[name], at(order, place))
  return arranged
}

function counted(order: Uint32Array<ArrayBuffer>, keyOf: (step: number) => number, keys: number): Uint32Array<ArrayBuffer> {
  const starts = new Uint32Array(keys + 1)
  for (const step of order) starts[keyOf(step) + 1] = at(starts, keyOf(step) + 1) + 1
  for (let key = 0; key < keys; key += 1) starts[key + 1] = at(starts, key + 1) + at(starts, key)
  const next = new Uint32Array(order.length)
  for (const step of order) {
    const key = keyOf(step)
    next[at(starts, key)] = step
    starts[key] = at(starts, key) + 1
  }
  return next
}

type Hops = Pick<StepGraph, 'hopSrc' | 'hopDst' | 'hopCost' | 'stepStart' | 'stepCost' | 'stepType' | 'stepFix'>

function hopsOf({ src, dst, cost: stepCost, type: stepType, fix: stepFix }: Columns): Hops {
  const begins = (step: number): boolean => step === 0 || at(src, step) !== at(src, step - 1) || at(dst, step) !== at(dst, step - 1)
  let hops = 0
  for (let step = 0; step < src.length; step += 1) if (begins(step)) hops += 1
  const [hopSrc, hopDst, hopCost, stepStart] = [
    new Uint32Array(hops),
    new Uint32Array(hops),
    new Uint8Array(hops),
    new Uint32Array(hops + 1),
  ]
  let hop = 0
  for (let step = 0; step < src.length; step += 1) {
    if (!begins(step)) continue
    hopSrc[hop] = at(src, step)
    hopDst[hop] = at(dst, step)
    hopCost[hop] = at(stepCost, step)
    stepStart[hop] = step
    hop += 1
  }
  stepStart[hops] = src.length
  return { hopSrc, hopDst, hopCost, stepStart, stepCost, stepType, stepFix }
}

function startsOf({ hopSrc, hopDst }: Hops, nodes: number): Pick<StepGraph, 'outStart' | 'inStart' | 'inHops'> {
  const inHops = counted(Uint32Array.from(hopSrc.keys()), (hop) => at(hopDst, hop), nodes)
  return { outStart: starts(hopSrc, nodes), inStart: starts(hopDst, nodes), inHops }
}

function starts(keys: Iterable<number>, count: number): Uint32Array {
  const made = new Uint32Array(count + 1)
  for (const key of keys) made[key + 1] = at(made, key + 1) + 1
  for (let key = 0; key < count; key += 1) made[key + 1] = at(made, key + 1) + at(made, key)
  return made
}

function fixesOf({ stepStart, stepFix }: Hops, fixes: number): Pick<StepGraph, 'fixStart' | 'fixHops'> {
  const fixed = Uint32Array.from(stepFix.keys()).filter((step) => at(stepFix, step) >= 0)
  const steps = counted(fixed, (step) => at(stepFix, step), fixes)
  const hopAt = new Uint32Array(stepFix.length)
  for (let hop = 0; hop + 1 < stepStart.length; hop += 1) hopAt.fill(hop, at(stepStart, hop), at(stepStart, hop + 1))
  return {
    fixStart: starts(
      fixed.map((step) => at(stepFix, step)),
      fixes,
    ),
    fixHops: steps.map((step) => at(hopAt, step)),
  }
}
