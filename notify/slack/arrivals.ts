/** How many new incidents came to one channel in the last minute, each counted once. What a restart forgets is read again from rows. */
export class Arrivals {
  readonly #seen = new Map<string, number>()
  readonly #carded = new Map<string, number>()
  #loaded = false
  /** A storm’s summary is still to be posted: cards that can wait let it go first. */ summaryOwed = false

  async load(read: () => Promise<readonly { id: string; at: Date }[]>): Promise<void> {
    if (this.#loaded) return
    for (const { id, at } of await read()) this.#seen.set(id, at.getTime())
    this.#loaded = true
  }
  see(id: string, at: Date): void {
    if (!this.#seen.has(id)) this.#seen.set(id, at.getTime())
  }
  card(id: string, at: Date): void {
    this.#carded.set(id, at.getTime())
  }
  seen = (at: Date): number => inLastMinute(this.#seen, at)
  carded = (at: Date): number => inLastMinute(this.#carded, at)
}

export const minuteMs = 60_000

/** In the order they came. */
function inLastMinute(times: Map<string, number>, at: Date): number {
  for (const [id, time] of times) {
    if (at.getTime() - time < minuteMs) break
    times.delete(id)
  }
  return times.size
}
