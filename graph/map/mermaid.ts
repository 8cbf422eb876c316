/**
 * A drawing as a Mermaid flowchart, to be pasted into a document. Names come from records: every character that Mermaid, Markdown or HTML could give a
 * meaning is written as a character code, so that a name is never a statement, a link or a directive.
 */
import type { GraphEdgeKind } from '../../domain/graph-view.ts'
import type { Drawing, PlacedBox } from './layout.ts'
import { leftOut } from './svg.ts'
import { type Family, familyOf } from './shapes.ts'

/** Opening and closing of a box. */
const brackets: Readonly<Record<Family, readonly [string, string]>> = {
  run: ['(', ')'],
  made: ['[', ']'],
  place: ['[[', ']]'],
  network: ['([', '])'],
  access: ['{{', '}}'],
  data: ['[(', ')]'],
  weakness: ['[/', '/]'],
}
const arrows: Readonly<Record<GraphEdgeKind, string>> = { relation: '-->', step: '==>', finding: '-.->', alert: '-.->' }

export function mermaidOf(drawing: Drawing): string {
  const { boxes, lines } = drawing
  const marked = (mark: 'incident' | 'centre' | 'declared' | 'gone'): string[] => {
    const those = boxes.filter(({ marks, centre }) => (mark === 'centre' ? centre : marks.includes(mark)))
    return those.length === 0 ? [] : [`  class ${those.map(({ number }) => `n${number}`).join(',')} ${mark}`]
  }
  const left = leftOut(drawing)
  return [
    'flowchart LR',
    ...boxes.map((box) => {
      const [open, close] = brackets[familyOf(box.kind)]
      return `  n${box.number}${open}"${textOf(box)}"${close}`
    }),
    ...lines.map(({ from, to, kind, label }) => `  n${from} ${arrows[kind]}|"${coded(label)}"| n${to}`),
    ...(left === '' ? [] : [`  left["${coded(left)}"]`]),
    '  classDef centre stroke-width:3px',
    '  classDef incident stroke:#a3122a,stroke-width:3px',
    '  classDef declared stroke-dasharray:6 3',
    '  classDef gone stroke-dasharray:2 3',
    ...(['centre', 'incident', 'declared', 'gone'] as const).flatMap(marked),
    '',
  ].join('\n')
}

const textOf = ({ head, shownName, foot }: PlacedBox): string =>
  [head, shownName, ...(foot === '' ? [] : [foot])].map((line) => coded(line)).join('<br/>')

/**
 * Letters and digits stay, and a dash or slash between them; Mermaid reads `#35;` as the character of that number. Formulas, icons and its own marks it
 * looks for after that, so what begins one is shown as an escape.
 */
export const coded = (text: string): string =>
  text
    .replace(/\$(?=\$)|:(?=fa-)|\ufb02(?=\u00b0)/g, (one) => `\\u{${one.charCodeAt(0).toString(16)}}`)
    .replace(/(?<![A-Za-z0-9])[-/]|[-/](?![A-Za-z0-9])|[^A-Za-z0-9 /-]/gu, (one) => `#${one.codePointAt(0)};`)
