/**
 * Secrets never leave. `Secret` is a value that prints as [redacted]; `redact` masks secret-looking parts
 * of text (command lines, environment values) before it is shown, logged or given to a model.
 */
import { inspect } from 'node:util'

const mask = '[redacted]'

/** A configured secret. Only `reveal()` gives the value; every way of printing it gives [redacted]. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return mask
  }
  toJSON(): string {
    return mask
  }
  [inspect.custom](): string {
    return mask
  }
}

// An attacker’s text must not take the square of its length, and no length hides a secret: a match begins at one place of what it may be in, and no two
// parts beside each other may take the same characters.
const patterns: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, mask],
  [/\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b/g, mask],
  [/(?<![\w-])(?=[\w-]+\.[\w-]{8,}\.)([\w-]*?)\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, `$1${mask}`],
  [
    /\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|sk-[\w-]{16,}|npm_\w{20,}|AIza[\w-]{30,}|fl[acglrs]_[\w-]{16,})/g,
    mask,
  ],
  [/(\bauthorization\s*[:=]\s*(?:["']\s*)?(?:(?:bearer|basic|token)\s*)?)[^\s"',;]{6,}/gi, `$1${mask}`],
  [/(\bbearer\s+)[\w.~+/-]{8,}=*/gi, `$1${mask}`],
  [/(:\/\/[^\s:/@]*:)[^\s@/]+(@)/g, `$1${mask}$2`],
  [
    /((?<![\w.-])(?<!\barn:aws[\w-]{0,10}:secretsmanager:[\w-]{0,30}:\d{12}:)[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)(?:\\*["'])?\s*[=:]\s*(?:\\*["'])?)(?!\[redacted\])[^\s"',;&}\\]{3,}(?:(?<=[=:])\s+["']?[^\s"',;&}\\]{3,})*/gi,
    `$1${mask}`,
  ],
  [/((?:^|\s)--?(?:password|passwd|pass|token|secret|api-key)\s+)(?!-)\S{3,}/gi, `$1${mask}`],
]

/** Masks what looks like a secret; keeps the rest, so that a command line stays readable. */
export function redact(text: string): string {
  let shown = text
  for (const [pattern, replacement] of patterns)
    shown = shown.replace(pattern, (whole: string, ...rest: unknown[]) => {
      const masked = replacement.replace(/\$(\d)/g, (_all, group: string) => String(rest[Number(group) - 1]))
      return whole.includes(endOfQuote) && !masked.includes(endOfQuote) ? `${masked}${endOfQuote}` : masked
    })
  return shown
}

/** Ends a value that a report's sentence quotes. A secret at the end of that value must not take the mark with it. */
const endOfQuote = '⟧'

const secretName = /(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)$/i

/** `redact` for every string and key inside a JSON value; what stands under a secret's name is masked whole. */
export function redactDeep<T>(value: T): T {
  if (typeof value === 'string') return redact(value) as T
  if (Array.isArray(value)) return value.map((inner: unknown) => redactDeep(inner)) as T
  if (value !== null && typeof value === 'object' && !(value instanceof Date) && !(value instanceof Secret))
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        redact(key),
        typeof inner === 'string' && inner.length >= 3 && secretName.test(key) ? mask : redactDeep(inner as unknown),
      ]),
    ) as T
  return value
}
