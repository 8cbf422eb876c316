/** A piece of background work that is done again and again: at once when woken, else every so often. One step at a time; an error is logged and the loop goes on. */
export type Loop = {
  wake(): void
  /** Resolves when a step that began after the call has found nothing to do. */ idle(): Promise<void>
  stop(): Promise<void>
}

/** `step` answers true when there may be more to do at once. */
export function startLoop(everyMs: number, step: () => Promise<boolean>, onError: (error: unknown) => void): Loop {
  let timer: NodeJS.Timeout | null = null
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
      timer = setTimeout(begin, again ? 0 : everyMs)
      again = false
    })
  }
  begin()
  return {
    wake: begin,
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
