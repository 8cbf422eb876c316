/** Bolt’s log lines as ours. What it says below a warning is left out: bodies of messages are in it. */
import { type Logger, LogLevel } from '@slack/bolt'
import type { Log } from '../server/log.ts'

export function boltLogger(log: Log): Logger {
  const text = (parts: readonly unknown[]): string =>
    parts
      .map((part) => (part instanceof Error ? part.message : String(part)))
      .join(' ')
      .slice(0, 500)
  return {
    debug: () => {},
    info: () => {},
    warn: (...parts) => log.warn('Slack', { says: text(parts) }),
    error: (...parts) => log.warn('Slack', { says: text(parts) }),
    setLevel: () => {},
    getLevel: () => LogLevel.WARN,
    setName: () => {},
  }
}
