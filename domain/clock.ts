/**
 * The only source of "now". Everything that needs the time is given a Clock,
 * so that expiry and windows are tested to the millisecond.
 */
export interface Clock {
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

/** A clock that stands still until told to move; for tests and replays. */
export class FixedClock implements Clock {
  private at: number
  constructor(at: Date | string) {
    this.at = new Date(at).getTime()
  }
  now(): Date {
    return new Date(this.at)
  }
  advance(milliseconds: number): void {
    this.at += milliseconds
  }
}
