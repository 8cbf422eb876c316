/**
 * Errors are few and named by who must act. A message says what is wrong, where, and what to do;
 * it never holds a secret and, when a model may see it, only words we wrote.
 */
export class FalconerError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.name = new.target.name
  }
}

/** The caller sent something that cannot be used: exit code 2, HTTP 4xx. */
export class InputError extends FalconerError {
  constructor(message: string, options?: ErrorOptions) {
    super('input', message, options)
  }
}

/** What was asked for does not exist, or this principal may not know that it does: HTTP 404. */
export class NotFoundError extends FalconerError {
  constructor(message: string, options?: ErrorOptions) {
    super('not_found', message, options)
  }
}

/** The operator must change the configuration or the environment. */
export class ConfigError extends FalconerError {
  constructor(message: string, options?: ErrorOptions) {
    super('config', message, options)
  }
}

/** Something Falconer talks to failed. `retryable` says whether the same call may succeed later. */
export class UpstreamError extends FalconerError {
  readonly retryable: boolean
  constructor(message: string, options: ErrorOptions & { retryable: boolean }) {
    super('upstream', message, options)
    this.retryable = options.retryable
  }
}

/** Policy, role or state forbids it: HTTP 403 or 409. `reason` is a constant word for machines. */
export class DeniedError extends FalconerError {
  readonly reason: string
  constructor(reason: string, message: string, options?: ErrorOptions) {
    super('denied', message, options)
    this.reason = reason
  }
}

/** A rule of our own was broken; a bug of ours. */
export class InvariantError extends FalconerError {
  constructor(message: string, options?: ErrorOptions) {
    super('invariant', message, options)
  }
}

/** Not the database's word: it came while a record was worked on, and comes again with that record alone. It may not cost the record's neighbours. */
export const isOurFault = (error: unknown): boolean =>
  error instanceof InvariantError || error instanceof RangeError || error instanceof TypeError || error instanceof SyntaxError
