/** The action cannot or need not be done on this target now; the message says why, in words for the person. */
import { DeniedError } from '../domain/errors.ts'

export class Unplannable extends DeniedError {
  constructor(message: string) {
    super('unplannable', message)
  }
}
