/** Which process started which, as lines: a line’s parent is the nearest line above it that stands less deep. */
import { z } from 'zod'
import { formatEventTime } from '../../domain/event-time.ts'
import type { ProcessNode } from '../../incidents/process-chain.ts'
import { Quoted, quote } from '../quoted.ts'

export const ProcessLine = z.object({
  depth: z.number().int(),
  pid: z.string().optional(),
  process: Quoted.describe('Command line, else name'),
  user: Quoted.optional(),
  startedBy: Quoted.optional().describe('Of a root: names above it, nearest first'),
  alerts: z.number().int().describe('About this very process; 0: known only as a parent'),
  first: z.string().optional().describe('Its first alert'),
  at: z.string().optional().describe('When that was'),
})
export type ProcessLine = z.input<typeof ProcessLine>

export const processLines = (trees: readonly ProcessNode[], most = 160): ProcessLine[] => trees.flatMap((tree) => linesOf(tree, 0, most))

const deepest = 64
function linesOf(node: ProcessNode, depth: number, most: number): ProcessLine[] {
  const [first] = node.implied ? [] : node.alerts
  const line: ProcessLine = {
    depth,
    ...(node.pid === null ? {} : { pid: String(node.pid) }),
    process: quote(node.cmdline ?? node.name ?? '', most),
    ...(node.user === null ? {} : { user: quote(node.user, 60) }),
    ...(depth > 0 || node.above.length === 0 ? {} : { startedBy: quote(node.above.slice(0, 6).join(' < '), 120) }),
    alerts: node.implied ? 0 : node.alerts.length,
    ...(first === undefined ? {} : { first: first.id, at: formatEventTime(first.eventNs) }),
  }
  return [line, ...(depth < deepest ? node.children.flatMap((child) => linesOf(child, depth + 1, most)) : [])]
}
