/** Says in rows whether this server hears Slack over Socket Mode, and why not, so that coverage shows it whichever server is asked. */
import { answerOf } from '../../notify/slack/api.ts'
import { noteHeard, noteUnheard } from '../../store/slack-hearing.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Parts } from './parts.ts'

export type Hearing = {
  /** Wants to. */ begin(): void
  heard(): void
  /** `error` undefined: the connection ended. */ unheard(error?: unknown): void
  stop(): void
}

const beatMs = 20_000

export function noteHearing({ db, clock, changed }: Pick<Falconer, 'db' | 'clock' | 'changed'>, working: Parts['working']): Hearing {
  let hears = false
  /** One after another, so that the newest stands. */
  let last: Promise<void> = Promise.resolve()
  let over = false
  const note = (write: () => Promise<void>): void => {
    // Its own end closes the connection too, after the database perhaps.
    if (over) return
    last = last.catch(() => {}).then(write)
    working(last)
  }
  const beat = (): void => {
    const at = clock.now()
    note(hears ? () => noteHeard(db, at) : () => noteUnheard(db, at, null))
  }
  let timer: NodeJS.Timeout | undefined
  return {
    begin: () => {
      beat()
      timer = setInterval(beat, beatMs)
    },
    heard: () => {
      hears = true
      beat()
      changed('sources')
    },
    unheard: (error) => {
      // It was heard until now.
      if (hears) beat()
      hears = false
      const at = clock.now()
      note(() => noteUnheard(db, at, reasonOf(error)))
      changed('sources')
    },
    stop: () => {
      clearInterval(timer)
      over = true
    },
  }
}

/** Of an answer nothing but its error’s name is told. */
function reasonOf(error: unknown): string {
  const name = (error as { data?: { error?: unknown } } | undefined)?.data?.error
  if (typeof name === 'string' && /^\w{1,60}$/.test(name)) return `Slack does not take the token FALCONER_SLACK_APP_TOKEN (${name})`
  if (String((error as { code?: unknown } | undefined)?.code).startsWith('slack_webapi_')) return answerOf(error).outcome.reason
  return 'the connection was closed'
}
