/** Structured log lines on stderr: a constant message, the rest in fields. Never a secret: values pass through redact. */
import { redactDeep } from '../../domain/redact.ts'
import { jsonSafe } from '../../domain/exact-json.ts'

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof levels)[number]
export type Log = Record<Exclude<LogLevel, 'silent'>, (message: string, fields?: Record<string, unknown>) => void>

export function createLog(least: LogLevel, write: (line: string) => void = (line) => process.stderr.write(line)): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      if (levels.indexOf(level) < levels.indexOf(least)) return
      write(
        `${JSON.stringify({ at: new Date().toISOString(), level, message, ...(redactDeep(jsonSafe(errorsAsText(fields))) as object) })}\n`,
      )
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

const errorsAsText = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error
        ? `${value.stack ?? value.message}${value.cause instanceof Error ? `\nbecause: ${value.cause.stack ?? value.cause.message}` : ''}`
        : value,
    ]),
  )
