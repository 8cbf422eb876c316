/** The tools as an analyst of this Falconer has them; of its own, so that a process outside of tests can load it. */
import { connectHands, type Hands } from '../../agent/hands.ts'
import type { Falconer } from '../../apps/server/falconer.ts'
import { contextOf } from '../../apps/server/mcp-reader.ts'
import { agentPrincipal } from '../../domain/principal.ts'

export const handsOf = (falconer: Falconer): Promise<Hands> =>
  connectHands({
    context: contextOf(falconer, { principal: agentPrincipal, channel: 'system' }),
    choice: {},
    version: '0',
    failed: (tool, error) => {
      throw new Error(`${tool} failed`, { cause: error })
    },
  })
