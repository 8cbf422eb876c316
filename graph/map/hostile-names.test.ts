/** What records say on a map is text, in SVG and in Mermaid: no element, no statement, no address of it, nothing invisible. */
import { describe, expect, it } from 'vitest'
import type { GraphView } from '../../domain/graph-view.ts'
import { edge, node } from '../../test/support/graph-view.ts'
import { anInvisible, endless, invisible, markup } from '../../test/support/hostile-text.ts'
import { drawingOf } from './layout.ts'
import { coded, mermaidOf } from './mermaid.ts'
import { svgAlone, svgForPage } from './svg.ts'
import { columnsOf, fitted } from './words.ts'

describe('what records say', () => {
  /** What Mermaid, its Markdown and its diagrams would act on; and what would leave an attribute or a text of SVG. */
  const hostile = [
    '"]-->X["',
    '%%{init: {"securityLevel":"loose"}}%%',
    '\n  click n1 "javascript:window.pwned=9"',
    '#quot;]\n  n9',
    '`**bold**`',
    '1. list',
    'https://evil.example/x',
    '$$x^2$$',
    'fab:fa-car',
    'ﬂ°°60¶ß',
    ':::evil',
    'a|b"|',
    '&lt;b&gt;&#x3c;',
    ']]><!--',
    '</style><style>*{display:none}',
    "' onload='x",
    ...markup,
    ...invisible,
    ...endless,
  ]
  const viewOf = (text: string): GraphView => ({
    title: text,
    centre: [text],
    nodes: [
      node(text, 'pod', text, 0, { label: text, scope: text, namespace: text, detail: text, href: text }),
      node('other', 'secret', text, 1, { href: `javascript:${text}` }),
      ...Array.from({ length: 70 }, (_one, at) => node(`${text}${at}`, 'package', `${text}${at}`, 1)),
    ],
    edges: [
      edge(text, 'other', text, { title: text, because: text, kind: 'step' }),
      ...Array.from({ length: 70 }, (_one, at) => edge(text, `${text}${at}`, text, { title: text })),
    ],
    more: 2,
    asOf: text,
    freshness: text,
  })
  const number = /-?[\d.]+/.source
  const tag = new RegExp(
    `^<(?:/?(?:title|style|g|a|text|svg)|svg xmlns="http://www.w3.org/2000/svg" class="map alone" viewBox="[\\d ]+" width="\\d+" height="\\d+" role="group" aria-label="[^"<>]*"|svg class="map" viewBox="[\\d ]+" width="\\d+" height="\\d+" role="group" aria-label="[^"<>]*"|a class="[a-z ]+" id="box-\\d+" data-box="\\d+" href="#row-\\d+" aria-label="[^"<>]*"|g aria-hidden="true"|g class="[a-z ]+"(?: transform="translate\\([\\d ]+\\)")?|g class="[a-z ]+" role="img" tabindex="0" aria-label="[^"<>]*"|g transform="translate\\([\\d ]+\\)"|path class="[a-z ]+" d="[-MHVLCAZ\\d. ]+"/|rect class="ground"(?: x="${number}" y="${number}")? width="\\d+" height="\\d+"/|text class="[a-z ]+" x="${number}" y="${number}")>$`,
  )

  it.each(hostile.map((text) => [JSON.stringify(text.slice(0, 40)), text] as const))('%s is text in SVG', (_shown, text) => {
    const drawing = drawingOf(viewOf(text))
    for (const svg of [svgAlone(drawing), svgForPage(drawing, ({ number: at }) => `#row-${at}`)]) {
      const own = svg.replace(/<style>[^<]*<\/style>/, '<style></style>')
      for (const one of own.match(/<[^>]*>?/g) ?? []) if (!tag.test(one)) expect.fail(one.slice(0, 200))
      expect(own.replace(/&(?:amp|lt|gt|quot|#39);/g, '').includes('&')).toBe(false)
      expect(anInvisible.exec(own.replaceAll('\n', ''))).toBeNull()
    }
  })

  it.each(hostile.map((text) => [JSON.stringify(text.slice(0, 40)), text] as const))('%s is text in Mermaid', (_shown, text) => {
    const words = '(?:[A-Za-z0-9 ]|(?<=[A-Za-z0-9])[-/](?=[A-Za-z0-9])|#\\d+;|<br/>)*'
    const open = '(?:\\(|\\[|\\[\\[|\\(\\[|\\{\\{|\\[\\(|\\[/)'
    const close = '(?:\\)|\\]|\\]\\]|\\]\\)|\\}\\}|\\)\\]|/\\])'
    const line = new RegExp(
      `^(?:flowchart LR|  n\\d+${open}"${words}"${close}|  n\\d+ (?:-->|==>|-\\.->)\\|"${words}"\\| n\\d+|  left\\["${words}"\\]|  classDef (?:centre|incident|declared|gone) [-a-z0-9:#, ]+|  class n\\d+(?:,n\\d+)* (?:centre|incident|declared|gone)|)$`,
    )
    const lines = mermaidOf(drawingOf(viewOf(text))).split('\n')
    for (const one of lines) if (!line.test(one)) expect.fail(one.slice(0, 200))
    expect(lines.filter((one) => /^ {2}n\d+[[({]/.test(one)).length).toBe(drawingOf(viewOf(text)).boxes.length)
  })

  it('is cut in the middle, both ends shown, and masked before it is cut', () => {
    expect(fitted('checkout-7d9f6c5b4-x2x9q', 15)).toBe('checkou…4-x2x9q')
    expect(fitted('short', 15)).toBe('short')
    expect(fitted(`a${'b'.repeat(9_000)}c`, 5)).toBe('ab…bc')
    expect(columnsOf(fitted('漢字漢字漢字漢字漢字', 9))).toBeLessThanOrEqual(9)
    expect(fitted('x --password=hunter2hunter2 y', 60)).not.toContain('hunter2')
    expect(coded('shop/checkout-7d9f 1.2')).toBe('shop/checkout-7d9f 1#46;2')
  })
})
