/** A text made pieces of: by its headings, and what is long by its paragraphs, so that a piece is about one thing and can be shown whole. Pure. */
import type { Piece } from '../store/knowledge.ts'

/** Some 300 tokens: an answer holds several. */
export const longest = 1_200
/** What is shorter is read with what follows. */
const shortest = 200
/** A text has no more; what is beyond is not searched. */
export const mostPieces = 400

/** Of Markdown. Each piece is named by the text it is of and the headings above it. */
export function piecesOf(title: string, markdown: string): Piece[] {
  const pieces: Piece[] = []
  for (const { path, body } of sectionsOf(markdown.replaceAll('\r\n', '\n')))
    for (const text of cut(body)) pieces.push({ title: [title, ...path].join(' › ').slice(0, 300), text })
  return pieces.slice(0, mostPieces)
}

type Section = { path: string[]; body: string }

function sectionsOf(markdown: string): Section[] {
  const sections: Section[] = [{ path: [], body: '' }]
  const path: string[] = []
  let fenced = false
  for (const line of markdown.split('\n')) {
    if (/^\s{0,3}(?:```|~~~)/.test(line)) fenced = !fenced
    const [, marks = '', heading = ''] = (fenced ? null : /^(#{1,6})\s+(.*?)\s*#*$/.exec(line)) ?? []
    const last = sections.at(-1) as Section
    if (marks === '') last.body += `${line}\n`
    else {
      path.length = Math.min(path.length, marks.length - 1)
      path.push(heading)
      sections.push({ path: [...path], body: '' })
    }
  }
  return sections.filter(({ body }) => body.trim() !== '')
}

/** By blank lines, then lines, then words: never longer than a piece may be. */
function cut(body: string): string[] {
  const pieces: string[] = []
  for (const part of body
    .trim()
    .split(/\n\s*\n/)
    .flatMap((paragraph) => split(paragraph.trim()))) {
    const last = pieces.at(-1)
    const fits = last !== undefined && last.length + part.length + 2 <= longest
    if (fits && (last.length < shortest || part.length < shortest || last.length + part.length < longest / 2))
      pieces[pieces.length - 1] = `${last}\n\n${part}`
    else pieces.push(part)
  }
  return pieces
}

function split(text: string): string[] {
  if (text.length <= longest) return text === '' ? [] : [text]
  const at = Math.max(...['\n', '. ', ' '].map((end) => text.lastIndexOf(end, longest - 1)).filter((place) => place > longest / 3), -1)
  let end = at === -1 ? longest : at + 1
  // Never between the halves of one character.
  if (/[\ud800-\udbff]/.test(text.charAt(end - 1)) && /[\udc00-\udfff]/.test(text.charAt(end))) end -= 1
  return [text.slice(0, end).trim(), ...split(text.slice(end).trim())]
}
