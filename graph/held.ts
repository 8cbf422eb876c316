/**
 * Keeps the path engine of the present while it is asked for: built once, again after steps came out differently, let go when nobody asked for a while.
 * The past is built for each question and never kept. One is built at a time, so memory holds two at most.
 */
import { InputError } from '../domain/errors.ts'
import { bareSteps } from '../store/attack-steps.ts'
import type { Queryable } from '../store/database.ts'
import { derivationMark } from '../store/graph-units.ts'
import { GraphBuilder } from './engine/build-engine.ts'
import type { StepGraph } from './engine/engine.ts'

export type HeldOptions = { idleMs?: number; /** About 50 bytes each. */ mostSteps?: number }

export class HeldGraph {
  readonly #db: Queryable
  readonly #idleMs: number
  readonly #mostSteps: number
  #held: { mark: string; graph: StepGraph } | undefined
  #building: Promise<unknown> = Promise.resolve()
  #idle: NodeJS.Timeout | undefined

  constructor(db: Queryable, { idleMs = 600_000, mostSteps = 10_000_000 }: HeldOptions = {}) {
    this.#db = db
    this.#idleMs = idleMs
    this.#mostSteps = mostSteps
  }

  /** `atNs` null: now. */
  graph(atNs: bigint | null = null): Promise<StepGraph> {
    const next = this.#building.then(() => (atNs === null ? this.#present() : this.#build(atNs)))
    this.#building = next.catch(() => undefined)
    return next
  }

  drop(): void {
    clearTimeout(this.#idle)
    this.#held = undefined
  }

  async #present(): Promise<StepGraph> {
    const mark = await derivationMark(this.#db)
    if (this.#held?.mark !== mark) {
      this.drop()
      this.#held = { mark, graph: await this.#build(null) }
    }
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.drop(), this.#idleMs).unref()
    return this.#held.graph
  }

  async #build(atNs: bigint | null): Promise<StepGraph> {
    const builder = new GraphBuilder()
    for await (const page of bareSteps(this.#db, { atNs })) {
      builder.add(page)
      if (builder.steps > this.#mostSteps)
        throw new InputError(`There are more than ${this.#mostSteps.toLocaleString('en')} attack steps: too many to hold at once.`)
    }
    return builder.build()
  }
}
