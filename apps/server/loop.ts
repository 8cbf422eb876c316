/**
 * A piece of background work that is done again and again: when woken, else every so often. One step at a time; an error is
 * logged and the loop goes on. Between two steps it may rest, so that what comes meanwhile is done together.
 */
export type Loop = {
  wake(): void
  /** Resolves when a step that began after the call has found nothing to do. */ idle(): Promise<void>
  stop(): Promise<void>
}

export type LoopTimes = {
  everyMs: number
  /** Not sooner than this after the last step ended, however often it is woken. */ restMs?: number
}

/** `step` answers true when there may be more to do at once. */
export function startLoop({ everyMs, restMs = 0 }: LoopTimes, step: () => Promise<boolean>, onError: (error: unknown) => void): Loop {
  let timer: NodeJS.Timeout | null = null
  let endedAt = Number.NEGATIVE_INFINITY
  let running: Promise<boolean> | null = null
  let again = false
  const state = { stopped: false }

  async function run(): Promise<boolean> {
    try {
      while (!state.stopped && (await step()));
      return true
    } catch (error) {
      onError(error)
      return false
    }
  }
  function begin(): void {
    if (state.stopped) return
    if (running !== null) {
      again = true
      return
    }
    if (timer !== null) clearTimeout(timer)
    running = run().finally(() => {
      running = null
      endedAt = performance.now()
      timer = setTimeout(begin, again ? restMs : everyMs)
      again = false
    })
  }
  function wake(): void {
    const rest = endedAt + restMs - performance.now()
    if (running !== null || rest <= 0) return begin()
    if (timer !== null) clearTimeout(timer)
    if (!state.stopped) timer = setTimeout(begin, rest)
  }
  begin()
  return {
    wake,
    idle: async () => {
      await running
      begin()
      await running
    },
    stop: async () => {
      state.stopped = true
      if (timer !== null) clearTimeout(timer)
      await running
      if (timer !== null) clearTimeout(timer)
    },
  }
}
