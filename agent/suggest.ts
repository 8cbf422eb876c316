/** From a report's recommended actions to proposals: asked for by the agent, planned by the executor, decided by people. */
import type { Report } from '../domain/report.ts'
import { FalconerError } from '../domain/errors.ts'
import { agentPrincipal } from '../domain/principal.ts'
import type { ResponseContext } from '../responses/context.ts'
import { propose, type StillUnplannable } from '../responses/propose.ts'

export type Suggested = { action: string; proposalId: string } | { action: string; refused: string }

/** Proposes what is not blocked, and not what cannot be planned for the reason that was told before; a refusal (policy, target gone) is an answer, not a failure. */
export async function suggest(
  context: ResponseContext,
  report: Report,
  about: { incidentId: string; investigationId: string },
  stillUnplannable?: StillUnplannable,
): Promise<Suggested[]> {
  const suggested: Suggested[] = []
  for (const { action, entityId, params, reason, blocked } of report.actions) {
    if (blocked !== null || entityId === null) {
      suggested.push({ action, refused: blocked ?? 'it has no target' })
      continue
    }
    try {
      const { proposal } = await propose(
        context,
        { principal: agentPrincipal, channel: 'system' },
        { action, entityId, params, reason, ...about },
        stillUnplannable,
      )
      suggested.push({ action, proposalId: proposal.id })
    } catch (error) {
      if (!(error instanceof FalconerError)) throw error
      suggested.push({ action, refused: error.message })
    }
  }
  return suggested
}
