/** An attack path as tools tell it: where it begins, and each move with why it holds. */
import { z } from 'zod'
import type { AttackPath } from '../../graph/paths.ts'
import { Quoted, quote } from '../quoted.ts'
import { NodeRow, nodeRow, TechniqueId } from './graph.ts'

const Move = z.object({
  to: z.string().describe('Row id'),
  title: Quoted,
  technique: TechniqueId,
  because: Quoted,
  others: z.number().optional().describe('How many other ways of the same move there are'),
  fix: Quoted.nullable().optional(),
})
export const PathRow = z.object({ cost: z.number(), from: NodeRow, moves: z.array(Move) })

export const pathRow = ({ cost, nodes: [first, ...rest], steps }: AttackPath, full: boolean): z.input<typeof PathRow>[] =>
  first === undefined
    ? []
    : [
        {
          cost,
          from: nodeRow(first),
          moves: steps.flatMap((step, index) => {
            const to = rest[index]
            if (to === undefined) return []
            return [
              {
                to: to.id.toString(),
                title: quote(to.title, 100),
                technique: step.technique.id,
                because: quote(step.because, full ? 400 : 140),
                ...(step.others > 0 ? { others: step.others } : {}),
                ...(full ? { fix: step.fix === null ? null : quote(step.fix.text, 300) } : {}),
              },
            ]
          }),
        },
      ]
