/** How many new incidents came to one channel in the last minute, each counted once. What a restart forgets is read again from rows. */
export class Arrivals {
  readonly #seen = new Map<string, number>()
  readonly #carded = new Map<string, number>()
  #loaded = false

  async load(read: () => Promise<readonly { id: string; at: Date }[]>): Promise<void> {
    if (this.#loaded) return
    for (const { id, at } of await read()) this.#seen.set(id, at.getTime())
    this.#loaded = true
  }
  see(id: string, at: Date): void {
    forget(this.#seen, at)
    if (!this.#seen.has(id)) this.#seen.set(id, at.getTime())
  }
  card(id: string, at: Date): void {
    forget(this.#carded, at)
    this.#carded.set(id, at.getTime())
  }
  seen = (at: Date): number => forget(this.#seen, at)
  carded = (at: Date): number => forget(this.#carded, at)
}

export const minuteMs = 60_000

/** What is older than a minute, in the order it came. Answers how many are left. */
function forget(times: Map<string, number>, at: Date): number {
  for (const [id, time] of times) {
    if (at.getTime() - time < minuteMs) break
    times.delete(id)
  }
  return times.size
}
