/**
 * Text an attacker could write (command lines, pod names, labels). Shown, it must not be able to hide,
 * reorder or pretend: control, bidi, zero-width, tag and other invisible characters become \u{…} escapes.
 * It does not escape HTML or Markdown: that is the templates' and channels' own work.
 */
const invisible =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/gu
const lookalikeSpace = /[\p{Zs}]/gu

const escapeCodePoint = (character: string): string => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`

/** One line, nothing invisible; cut to `limit` code units with a visible mark. */
export function visible(text: string, limit = 2_000): string {
  const shown = text
    .replaceAll('\\u{', '\\\\u{')
    .replace(invisible, escapeCodePoint)
    .replace(lookalikeSpace, (space) => (space === ' ' ? space : escapeCodePoint(space)))
  if (shown.length <= limit) return shown
  return `${shown.slice(0, limit).replace(/[\ud800-\udbff]$/, '')}… [${shown.length - limit} more]`
}
