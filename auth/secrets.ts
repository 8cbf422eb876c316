/** Secrets that people carry: made from 192 or more random bits, given out once, stored as SHA-256. */
import { createHash, randomBytes } from 'node:crypto'

/** `flc_` an API token, `fll_` a one-time link; `fls_` one by which somebody in Slack is said to be a person here; of programs let in: `flg_` a code, `fla_` to ask with, `flr_` to get the next one. Sessions have none, they never leave the cookie. */
export const newSecret = (prefix: 'flc_' | 'fll_' | 'fls_' | 'flg_' | 'fla_' | 'flr_' | ''): string =>
  `${prefix}${randomBytes(27).toString('base64url')}`
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** For people to type, 40 random bits: good only where tries are counted and few. No letter looks like a digit. */
export const newCode = (): string => Array.from(randomBytes(8), (byte) => '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'[byte & 31]).join('')
