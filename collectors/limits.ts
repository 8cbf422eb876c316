/** How long what a scanner says may be: cut so that one sees it. Others’ text is of any length, and a finding is stored and shown as a whole. */
const most = { title: 500, description: 4_000, reference: 2_000, references: 20 }

export const cutTo = (text: string, length: number): string => (text.length <= length ? text : `${text.slice(0, length - 1).trimEnd()}…`)
/** One line. */
export const titleOf = (text: string): string => cutTo(text.replace(/\s+/g, ' ').trim(), most.title)
/** Null for what is none. */
export const proseOf = (text: string | null | undefined): string | null =>
  text == null || text.trim() === '' ? null : cutTo(text.trim(), most.description)
export const referencesOf = (links: readonly (string | null | undefined)[]): string[] =>
  [...new Set(links.filter((link) => link != null && link !== '' && link.length <= most.reference) as string[])].slice(0, most.references)
