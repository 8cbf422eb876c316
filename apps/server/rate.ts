/** How fast one token may ask: a bucket for each, in this process, filled evenly. What has been full again for long is forgotten. */
export class Buckets {
  readonly #held = new Map<string, { left: number; at: number }>()
  readonly #perMs: number
  readonly #most: number
  readonly #now: () => number

  /** `perMinute` 0: no limit. */
  constructor(perMinute: number, most: number, now: () => number = () => performance.now()) {
    this.#perMs = perMinute / 60_000
    this.#most = most
    this.#now = now
  }

  /** Takes one; answers the seconds to wait, 0 when there was one. */
  take(key: string): number {
    if (this.#perMs === 0) return 0
    const now = this.#now()
    const before = this.#held.get(key) ?? { left: this.#most, at: now }
    const left = Math.min(this.#most, before.left + (now - before.at) * this.#perMs)
    if (this.#held.size > 10_000) this.#forgetFull(now)
    this.#held.set(key, { left: left >= 1 ? left - 1 : left, at: now })
    return left >= 1 ? 0 : Math.ceil((1 - left) / this.#perMs / 1_000)
  }

  #forgetFull(now: number): void {
    for (const [key, { left, at }] of this.#held) if (left + (now - at) * this.#perMs >= this.#most) this.#held.delete(key)
  }
}
