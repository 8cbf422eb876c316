/** Strings a scanner wrote, at the lengths a finding keeps; what is cut ends in “…”. Pure. */
export const cut = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`

/** One line of at most 500 characters: the first that says something. */
export const titleOf = (...candidates: (string | null | undefined)[]): string =>
  cut((candidates.find((text) => (text ?? '').trim() !== '') ?? '').trim().replaceAll(/\s+/g, ' '), 500)

/** Null: it says nothing. */
export const proseOf = (text: string | null | undefined, most = 4_000): string | null => {
  const said = (text ?? '').trim()
  return said === '' ? null : cut(said, most)
}

/** The first twenty addresses. */
export const referencesOf = (candidates: readonly (string | null | undefined)[]): string[] =>
  [...new Set(candidates.filter((one): one is string => /^https?:\/\/\S+$/.test(one ?? '') && (one as string).length <= 2_000))].slice(
    0,
    20,
  )

/** Percent-encoding undone; what is none stays as it is written. */
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
