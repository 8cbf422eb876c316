/** From errors to answers: which status each kind has, and words that are ours. What we did not foresee is logged and told as a fault of ours. */
import { ConfigError, DeniedError, FalconerError, InputError, NotFoundError, UpstreamError } from '../../domain/errors.ts'
import { OverloadedError } from './intake-queue.ts'
import { SignInError } from './who.ts'

/** The body is larger than this server takes: HTTP 413. */
export class TooLargeError extends FalconerError {
  constructor(message: string) {
    super('too_large', message)
  }
}

/** Whoever sent the request went away before its body had ended. */
export class CutOffError extends FalconerError {
  constructor(cause: unknown) {
    super('cut_off', 'The request ended before its body did.', { cause })
  }
}

/** Whoever sends the body keeps us waiting too long: HTTP 408. */
export class SlowSenderError extends FalconerError {
  constructor() {
    super('slow', 'The body came too slowly and was given up. What was whole may be stored; send it again, in fewer bytes or faster.')
  }
}

/** Whoever asks does so too often: HTTP 429. */
export class TooFastError extends FalconerError {
  readonly retryAfter: number
  constructor(message: string, retryAfter: number) {
    super('too_fast', message)
    this.retryAfter = retryAfter
  }
}

export type Problem = { status: number; code: string; title: string; detail: string; retryAfter?: number }

/** Nobody hears this answer. */
export const cutOff: Problem = { status: 400, code: 'cut_off', title: 'Cut off', detail: 'The request ended before its body did.' }

const conflicts = new Set(['state', 'plan_changed', 'expired', 'unplannable', 'irreversible', 'last_administrator', 'no_model', 'budget'])

export function problemOf(error: unknown): Problem | null {
  if (error instanceof CutOffError) return cutOff
  if (isDiskFull(error)) return diskFull
  if (error instanceof SignInError) return { status: 401, code: 'sign_in', title: 'Sign in first', detail: error.message }
  if (error instanceof NotFoundError) return { status: 404, code: 'not_found', title: 'Not found', detail: error.message }
  if (error instanceof SlowSenderError) return { status: 408, code: 'slow', title: 'Too slow', detail: error.message }
  if (error instanceof TooLargeError) return { status: 413, code: 'too_large', title: 'Too large', detail: error.message }
  if (error instanceof TooFastError)
    return { status: 429, code: 'too_fast', title: 'Too many at once', detail: error.message, retryAfter: error.retryAfter }
  if (error instanceof InputError) return { status: 400, code: 'input', title: 'That cannot be used', detail: error.message }
  if (error instanceof DeniedError)
    return {
      status: conflicts.has(error.reason) ? 409 : 403,
      code: error.reason,
      title: conflicts.has(error.reason) ? 'Not any more' : 'Not allowed',
      detail: error.message,
    }
  if (error instanceof OverloadedError)
    return { status: 503, code: 'overloaded', title: 'Too much at once', detail: error.message, retryAfter: error.retryAfter }
  if (error instanceof UpstreamError)
    return { status: 502, code: 'upstream', title: 'Something Falconer needs did not answer', detail: error.message }
  if (error instanceof ConfigError) return { status: 500, code: 'config', title: 'Configuration', detail: error.message }
  if (isUnreachable(error)) return unreachable
  if (isExhausted(error)) return exhausted
  return null
}

const codeOf = (error: unknown): string => (error instanceof Error ? String((error as NodeJS.ErrnoException).code ?? '') : '')
/** Postgres says 53100; a write of our own, what the system says. */
const isDiskFull = (error: unknown): boolean => /^(?:disk_full|53100|ENOSPC|EFBIG|EDQUOT)$/.test(codeOf(error))
const diskFull: Problem = {
  status: 507,
  code: 'disk_full',
  title: 'The disk is full',
  detail:
    'The database’s disk is full. What was stored before is kept. Make room or shorten FALCONER_RETENTION_DAYS, then send this again: of a large body the first part may be stored already, and no alert is stored twice.',
  retryAfter: 60,
}
/** The classes of SQLSTATE that are about the database's state, not about the statement: resources, conflicts, locks, the system, itself. */
const isExhausted = (error: unknown): boolean => /^(?:40|53|55|58|XX)/.test(codeOf(error))
const exhausted: Problem = {
  status: 503,
  code: 'unavailable',
  title: 'The database cannot do this now',
  detail:
    'The database failed at this. Try again in a moment: of a large body the first part may be stored already, and no alert is stored twice.',
  retryAfter: 10,
}

/** The database went away: its own codes for that, and the network's. Whether a commit that was under way was done is not known. */
const isUnreachable = (error: unknown): boolean =>
  error instanceof Error &&
  (/^(?:08|57P|53300|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH)/.test(String((error as NodeJS.ErrnoException).code ?? '')) ||
    /^(?:Connection terminated|timeout exceeded when trying to connect)/.test(error.message))
const unreachable: Problem = {
  status: 503,
  code: 'unavailable',
  title: 'The database does not answer',
  detail:
    'Falconer cannot reach its database just now. Try again in a moment: of a large body the first part may be stored already, and no alert is stored twice.',
  retryAfter: 5,
}

export const faultOfOurs: Problem = {
  status: 500,
  code: 'invariant',
  title: 'A fault of ours',
  detail:
    'Falconer failed at this; the server’s log says more. Of a large body the first part may be stored already; sent again, no alert is stored twice.',
  retryAfter: 30,
}
