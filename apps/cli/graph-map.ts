/** `falconer graph map`: a part of the graph as a table, an SVG file or a Mermaid flowchart, drawn here from what the API answers. */
import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { GraphView } from '../../domain/graph-view.ts'
import { type Cli, examples, jsonOption, place } from './command.ts'
import { type Asked, asOfOption, clusterOption, depthOption, typesOption } from './graph-options.ts'
import { safe, table } from './output.ts'

type Given = Asked & { svg?: string; mermaid?: boolean; depth: number; types?: string }

export const registerMap = (graph: Command, cli: Cli): Command =>
  graph
    .command('map')
    .description('what stands around a node or an incident, as a table or a picture')
    .argument('<what>', 'kind/namespace/name (deployment/shop/checkout), ARN, digest, id, or an incident (inc-…)')
    .addOption(jsonOption())
    .addOption(new Option('--svg <file>', 'write a picture; - for standard output').conflicts(['json', 'mermaid']))
    .addOption(new Option('--mermaid', 'print a Mermaid flowchart, for a document').conflicts('json'))
    .addOption(depthOption(3, 1))
    .addOption(typesOption())
    .addOption(clusterOption())
    .addOption(asOfOption())
    .addHelpText(
      'after',
      examples(
        'falconer graph map deployment/shop/checkout --depth 2',
        'falconer graph map inc-154e001860 --svg incident.svg',
        'falconer graph map node/worker-1 --mermaid',
      ),
    )
    .action((what: string, { json, svg, mermaid, types, cluster: scope, ...options }: Given) =>
      cli.show<GraphView>(
        { json },
        place('/graph/view', { ...(isIncident(what) ? { incident: what } : { node: what, scope }), ...options }),
        (view) => shown(view, { svg, mermaid, types: types?.split(',') ?? [] }),
      ),
    )

/** UUIDs of ours carry the time; a pod’s do not. */
const isIncident = (text: string): boolean =>
  /^inc-[0-9a-f]{10}$|^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)

async function shown(whole: GraphView, { svg, mermaid, types }: { svg?: string; mermaid?: boolean; types: string[] }): Promise<string> {
  const [{ drawingOf }, { narrowed }] = await Promise.all([import('../../graph/map/layout.ts'), import('../../graph/map/narrow.ts')])
  const view = narrowed(whole, types)
  const drawing = drawingOf(view)
  if (mermaid === true) return (await import('../../graph/map/mermaid.ts')).mermaidOf(drawing).trimEnd()
  const { leftOut, svgAlone } = await import('../../graph/map/svg.ts')
  if (svg === '-') return svgAlone(drawing).trimEnd()
  if (svg !== undefined) {
    await writeFile(svg, svgAlone(drawing))
    return `${safe(svg)}: ${drawing.boxes.length} boxes, ${drawing.lines.length} lines. ${leftOut(drawing)}`.trimEnd()
  }
  return asTable(view, drawing, leftOut(drawing))
}

type Drawing = ReturnType<typeof import('../../graph/map/layout.ts').drawingOf>
async function asTable(view: GraphView, drawing: Drawing, left: string): Promise<string> {
  const [{ rowsOf }, { standing }] = await Promise.all([import('../../graph/map/table.ts'), import('../../graph/map/layout.ts')])
  const rows = rowsOf(view, drawing)
  const nameOf = ({ label, namespace, name, detail }: GraphView['nodes'][number]): string =>
    detail?.endsWith(name) === true
      ? safe(detail, 120)
      : `${safe(label, 40)} ${namespace === null ? '' : `${safe(namespace, 40)}/`}${safe(name, 80)}`
  const lines = rows.flatMap(({ node, ties }) =>
    ties.filter(({ out }) => out).map(({ other, edge }) => [nameOf(node), `${edge.kind}: ${safe(edge.title, 60)}`, nameOf(other.node)]),
  )
  return [
    safe(view.title, 200),
    safe(view.freshness, 600),
    '',
    table(
      ['away', 'what', 'how it stands'],
      rows.map(({ node, centre }) => [String(node.depth), nameOf(node), standing({ centre, marks: node.marks }).join(', ')]),
    ),
    '',
    table(['from', 'what joins them', 'to'], lines),
    ...(left === '' ? [] : ['', left]),
  ].join('\n')
}
