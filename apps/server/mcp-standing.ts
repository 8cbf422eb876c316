/** A stream of events that stays open: it ends when its reader goes, when it is told to, and soon after its reader may no longer read. */
export type Standing = { response: Response; end(): void }

const askedEveryMs = 30_000

export function standing(response: Response, parts: { mayStill: () => Promise<boolean>; ended: () => void; everyMs?: number }): Standing {
  const { body } = response
  if (body === null) {
    parts.ended()
    return { response, end: () => {} }
  }
  const reader = body.getReader()
  let over = false
  const end = (): void => {
    if (over) return
    over = true
    clearInterval(timer)
    parts.ended()
    // Whoever writes may be done already.
    void reader.cancel().catch(() => {})
  }
  const timer = setInterval(() => {
    void parts.mayStill().then(
      (may) => (may ? undefined : end()),
      () => end(),
    )
  }, parts.everyMs ?? askedEveryMs).unref()
  const passed = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }))
      if (value !== undefined) controller.enqueue(value)
      if (!done) return
      end()
      controller.close()
    },
    cancel: end,
  })
  return { response: new Response(passed, { status: response.status, headers: response.headers }), end }
}
