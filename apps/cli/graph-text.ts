/** Answers of the graph in words for a terminal. */
import { safe, shortTime, table } from './output.ts'
import type { EdgeRow, NodeAtRow, NodeRow, PathRow, StepRow } from './rows.ts'

type Fresh = { freshness: string }

const marks = ({ declaredOnly, gone }: NodeRow): string => `${declaredOnly ? ' (declared only)' : ''}${gone ? ' (gone)' : ''}`
const called = (node: NodeRow | undefined, limit = 70): string => (node === undefined ? '–' : `${safe(node.title, limit)}${marks(node)}`)

export function neighboursText({
  nodes,
  relations,
  steps,
  more,
  freshness,
}: Fresh & { nodes: NodeAtRow[]; relations: EdgeRow[]; steps: StepRow[]; more: boolean }): string {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const [centre] = nodes
  const told = relations.map(({ from, type, to, firstAt, lastAt, witnesses }) => [
    called(byId.get(from), 50),
    type,
    called(byId.get(to), 50),
    `${shortTime(firstAt)} to ${shortTime(lastAt)}`,
    safe(witnesses.join(', '), 60),
  ])
  return [
    `Around ${called(centre)} in ${safe(centre?.scope ?? '–')}: ${nodes.length - 1} ${nodes.length === 2 ? 'node' : 'nodes'}${more ? ' and more: narrow by --types, or raise --limit' : ''}.`,
    ...(told.length === 0 ? [] : ['', table(['from', 'relation', 'to', 'seen (UTC)', 'by'], told)]),
    ...(steps.length === 0
      ? []
      : [
          '',
          table(
            ['from', 'attack step', 'to', 'technique', 'because'],
            steps.map((step) => [
              called(byId.get(step.from), 50),
              step.type,
              called(byId.get(step.to), 50),
              step.technique.id,
              safe(step.because, 300),
            ]),
          ),
        ]),
    '',
    safe(freshness, 600),
  ].join('\n')
}

export function blastText({
  node,
  counts,
  nodes,
  more,
  freshness,
}: Fresh & { node: NodeRow; counts: { kind: string; count: number; depth: number }[]; nodes: NodeAtRow[]; more: boolean }): string {
  if (nodes.length === 0) return `No step leads on from ${called(node)}, as far as is known.\n${safe(freshness, 600)}`
  return [
    `From ${called(node)} could be taken: ${counts.map(({ kind, count }) => `${count} × ${kind.replaceAll('_', ' ')}`).join(', ')}.`,
    '',
    table(
      ['steps', 'what', 'cluster or account', 'id'],
      nodes.map((one) => [String(one.depth), called(one), safe(one.scope, 30), one.id]),
    ),
    ...(more ? ['… and more: raise --limit'] : []),
    '',
    safe(freshness, 600),
  ].join('\n')
}

type Fact = { code: string; text: string; evidence: ({ path: string; value: string } | { check: string })[]; fix: { text: string } | null }
export function factsText({ place, facts, freshness }: Fresh & { place: NodeRow; facts: Fact[] }): string {
  const shown = facts.map(({ code, text, evidence, fix }) =>
    [
      `${code}: ${safe(text, 300)}`,
      ...evidence.map(
        (one) => `   ${'check' in one ? `finding ${safe(one.check, 80)}` : `${safe(one.path, 100)} = ${safe(one.value, 160)}`}`,
      ),
      ...(fix === null ? [] : [`   undone by: ${safe(fix.text, 200)}`]),
    ].join('\n'),
  )
  return [
    `What is known of ${called(place)}; what is not listed was not found, which is not “does not hold”.`,
    ...shown,
    '',
    safe(freshness, 600),
  ].join('\n')
}

export function pathsText({ paths, freshness }: Fresh & { paths: PathRow[] }): string {
  if (paths.length === 0) return `No path is known.\n${safe(freshness, 600)}`
  return [...paths.map((path, index) => pathText(path, index + 1)), howToRead(paths), safe(freshness, 600)].join('\n\n')
}

const howToRead = (paths: readonly PathRow[]): string =>
  [
    'Cost adds up its moves: 0 follows by itself, 1 is a known way, 4 needs a flaw of which none is known. Cheapest first.',
    ...(paths.some(({ nodes }) => nodes.some(({ declaredOnly }) => declaredOnly))
      ? ['Declared only: a manifest says so, and no cluster has reported it.']
      : []),
  ].join('\n')

type Choke = { fix: { text: string }; steps: number; targetsCutOff: number; pathsRemoved: number }
export function chokePointsText({
  points,
  targetsReached,
  paths,
  complete,
  freshness,
}: Fresh & { points: Choke[]; targetsReached: number; paths: number; complete: boolean }): string {
  if (targetsReached === 0) return `No target can be reached, as far as is known.\n${safe(freshness, 600)}`
  return [
    `${targetsReached} ${targetsReached === 1 ? 'target' : 'targets'} can be reached; the ${paths === 1 ? 'cheapest path was' : `${paths} cheapest paths were`} looked at.`,
    '',
    points.length === 0
      ? 'No single change cuts off a target or removes one of these paths.'
      : table(
          ['targets cut off', 'paths removed', 'steps taken away', 'change'],
          points.map((point) => [String(point.targetsCutOff), String(point.pathsRemoved), String(point.steps), safe(point.fix.text, 200)]),
        ),
    ...(complete ? [] : ['The work allowed was used up: other changes may do as much.']),
    '',
    safe(freshness, 600),
  ].join('\n')
}

function pathText({ cost, nodes, steps }: PathRow, number: number): string {
  const moves = steps.map(({ because, technique, precondition, fix, others }, index) =>
    [
      `   ${index + 1}. ${called(nodes[index + 1])}: ${safe(because, 240)}`,
      `      ${technique.id} ${technique.name}${precondition === 'none' ? '' : `; if ${safe(precondition, 200)}`}${others === 0 ? '' : `; ${others} other ${others === 1 ? 'way' : 'ways'}`}`,
      ...(fix === null ? [] : [`      taken away by: ${safe(fix.text, 200)}`]),
    ].join('\n'),
  )
  return [`${number}. cost ${cost}: ${nodes.map((node) => called(node, 50)).join(' → ')}`, ...moves].join('\n')
}
