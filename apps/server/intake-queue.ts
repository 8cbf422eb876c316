/**
 * Group commit: deliveries that arrive while a commit runs share the next one, so single posts cost a fraction of
 * a transaction each. A promise settles only after commit. Memory is bounded: past the limit a delivery is refused
 * with a time to come back, and counted.
 */
import { FalconerError, isOurFault } from '../../domain/errors.ts'
import type { Clock } from '../../domain/clock.ts'
import type { Database } from '../../store/database.ts'
import type { Delivery } from '../../store/delivery.ts'
import { accept } from '../../store/intake.ts'
import type { Tally } from '../../store/sources.ts'

/** Too much is waiting to be committed; `retryAfter` is in seconds. */
export class OverloadedError extends FalconerError {
  readonly retryAfter: number
  constructor(retryAfter: number) {
    super('overloaded', `More is arriving than the database can commit. Send this again in ${retryAfter} s.`)
    this.retryAfter = retryAfter
  }
}

export type IntakeQueueOptions = {
  maxWaitingBytes: number
  maxBatchBytes: number
  onCommitted?: (tallies: readonly Tally[]) => void
  onRefused?: (stats: IntakeStats) => void
}
export type IntakeStats = { waitingBytes: number; refused: number; droppedConnections: number; commits: number; deliveries: number }
/** What one post holds of the room there is: what it has sent and is not committed yet. */
export type Room = {
  grow(bytes: number): void
  /** So much of it is committed. */ shrink(bytes: number): void
  /** From now on nothing of it is given back before it leaves: what is committed is not counted in the bytes that came. */ keep(): void
  leave(): void
}

/** A post costs this much beside its bytes: its connection, its request, what waits for it. */
const postBytes = 16_384

type Waiting = { delivery: Delivery; bytes: number; resolve: (tally: Tally) => void; reject: (error: unknown) => void }

export class IntakeQueue {
  readonly #db: Database
  readonly #clock: Clock
  readonly #options: IntakeQueueOptions
  #waiting: Waiting[] = []
  #held = 0
  #running: Promise<void> | null = null
  readonly stats: IntakeStats = { waitingBytes: 0, refused: 0, droppedConnections: 0, commits: 0, deliveries: 0 }

  constructor(db: Database, clock: Clock, options: IntakeQueueOptions) {
    this.#db = db
    this.#clock = clock
    this.#options = options
  }

  /**
   * Room for a post before it is read or parsed. Announced bytes must fit, but only bytes that came are held: who announces much and
   * sends little keeps nobody out. Throws OverloadedError, `grow` too.
   */
  enter(announced = 0): Room {
    if (this.#held > 0 && this.#held + postBytes + Math.min(announced, this.#options.maxBatchBytes) > this.#options.maxWaitingBytes)
      this.#refuse()
    let own = 0
    let kept = false
    const hold = (bytes: number): void => {
      const more = Math.max(bytes, -own)
      own += more
      this.#held += more
      this.stats.waitingBytes = this.#held
    }
    hold(postBytes)
    return {
      grow: (bytes) => {
        // A body alone in here may be larger than the room.
        if (this.#held > own && this.#held + bytes > this.#options.maxWaitingBytes) this.#refuse()
        hold(bytes)
      },
      shrink: (bytes) => {
        if (!kept) hold(-Math.min(bytes, Math.max(0, own - postBytes)))
      },
      keep: () => {
        kept = true
      },
      leave: () => hold(-own),
    }
  }

  /** A connection more than there may be was closed without an answer. */
  connectionDropped(): void {
    this.stats.droppedConnections += 1
    this.#options.onRefused?.(this.stats)
  }

  #refuse(): never {
    this.stats.refused += 1
    this.#options.onRefused?.(this.stats)
    throw new OverloadedError(Math.min(30, 1 + Math.ceil(this.#held / this.#options.maxBatchBytes)))
  }

  /** Settles when the delivery is committed, or with the reason why it is not. */
  submit(delivery: Delivery, bytes: number): Promise<Tally> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ delivery, bytes, resolve, reject })
      this.#running ??= this.#drain()
    })
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async #drain(): Promise<void> {
    await new Promise((resume) => setImmediate(resume)) // let posts that are already here join
    try {
      while (this.#waiting.length > 0) await this.#commit(this.#takeBatch())
    } finally {
      // In the turn of the last look: what is submitted a moment later begins anew, and is not left waiting for others to come.
      this.#running = null
    }
  }

  /** Settles each. What one delivery alone is to blame for never fails its neighbours: they are committed apart from it. */
  async #commit(batch: readonly Waiting[]): Promise<void> {
    let tallies: Tally[]
    try {
      tallies = await accept(
        this.#db,
        this.#clock,
        batch.map((waiting) => waiting.delivery),
      )
    } catch (error) {
      if (batch.length > 1 && isOurFault(error)) {
        const middle = batch.length >> 1
        await this.#commit(batch.slice(0, middle))
        await this.#commit(batch.slice(middle))
      } else for (const waiting of batch) waiting.reject(error)
      return
    }
    this.stats.commits += 1
    this.stats.deliveries += batch.length
    for (const [index, waiting] of batch.entries()) waiting.resolve(tallies[index] as Tally)
    this.#options.onCommitted?.(tallies)
  }

  #takeBatch(): Waiting[] {
    let bytes = 0
    let count = 0
    while (count < this.#waiting.length && (count === 0 || bytes < this.#options.maxBatchBytes)) bytes += this.#waiting[count++]?.bytes ?? 0
    return this.#waiting.splice(0, count)
  }
}
