/** A stream that stays open ends with its reader, with its server, and with its reader's rights. */
import { describe, expect, it } from 'vitest'
import { standing } from './mcp-standing.ts'

const events = () => {
  const seen = { cancelled: 0 }
  let write: (text: string) => void = () => {}
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      write = (text) => controller.enqueue(new TextEncoder().encode(text))
    },
    cancel: () => {
      seen.cancelled += 1
    },
  })
  return { seen, response: new Response(body, { headers: { 'content-type': 'text/event-stream' } }), write: (text: string) => write(text) }
}

describe('a standing stream', () => {
  it('passes on what comes, and ends when its reader may no longer read', async () => {
    const { seen, response, write } = events()
    let may = true
    let ended = 0
    const stream = standing(response, { mayStill: async () => may, ended: () => (ended += 1), everyMs: 5 })
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
    const reader = stream.response.body?.getReader()
    write('one')
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('one')
    may = false
    expect((await reader?.read())?.done).toBe(true)
    expect([ended, seen.cancelled]).toEqual([1, 1])
    stream.end()
    expect(ended).toBe(1)
  })

  it('ends with its reader, when it is told to, and where nobody can say whether it may go on', async () => {
    for (const how of ['reader', 'told', 'unknown']) {
      const { seen, response } = events()
      let ended = 0
      const mayStill = async (): Promise<boolean> => {
        if (how === 'unknown') throw new Error('no database')
        return true
      }
      const stream = standing(response, { mayStill, ended: () => (ended += 1), everyMs: 5 })
      if (how === 'reader') await stream.response.body?.cancel()
      if (how === 'told') stream.end()
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect([how, ended, seen.cancelled]).toEqual([how, 1, 1])
    }
  })
})
