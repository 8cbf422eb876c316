/** docs/reference/collectors.md, from the collectors themselves and the header comments that state their content keys. */
import { readFileSync } from 'node:fs'
import type { Collector } from '../../collectors/collector.ts'
import { collectors } from '../../collectors/registry.generated.ts'
import { code, list, page, section, table } from './markdown.ts'
import { headerOf } from './source.ts'

export function render(): Record<string, string> {
  return {
    'docs/reference/collectors.md': page(
      'Collectors',
      `A collector turns one source’s output into records. What it cannot read becomes a dead letter with its reason; nothing is dropped silently.
\`falconer import\` recognises each of these formats by itself. In the texts below, \`{{url}}\`, \`{{secret}}\` and \`{{scope}}\` stand for
Falconer’s address, the source’s secret and the cluster’s name; the Sources page shows them filled in.`,
      table(
        ['Collector', 'Title', 'Produces'],
        collectors.map(({ name, title, produces }) => [code(name), title, produces.join(', ')]),
      ),
      ...collectors.map(describe),
    ),
  }
}

function describe({ name, title, produces, connect }: Collector): string {
  const { about, contentKey } = headerOfCollector(name)
  return section(
    `${title} (${code(name)})`,
    about,
    list([`Produces: ${produces.join(', ')}`, `Content key: ${contentKey}`]),
    '### How to connect it',
    connect.trim(),
  )
}

/** Throws when the header comment does not say, after “Content key:”, what makes two records the same one. */
function headerOfCollector(name: string): { about: string; contentKey: string } {
  const file = `collectors/${name}/${name}.ts`
  const [about = '', contentKey] = headerOf(readFileSync(file, 'utf8')).split(/\s*Content key:\s*/)
  if (contentKey === undefined)
    throw new Error(`${file}: end its header comment with “Content key: …”, saying what makes two records the same one`)
  return { about, contentKey: contentKey.replaceAll('\n', ' ') }
}
