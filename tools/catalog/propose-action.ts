import { z } from 'zod'
import { DeniedError, InputError } from '../../domain/errors.ts'
import { actions, getAction } from '../../responses/catalog/catalog.ts'
import { propose, type ProposalRequest } from '../../responses/propose.ts'
import { quote } from '../quoted.ts'
import { tool, type ToolContext } from '../tool.ts'
import { IncidentId, incidentOf } from '../views/find-incident.ts'
import { ProposalRow, proposalRow } from '../views/proposal.ts'

const Reason = z.string().trim().min(1).max(2_000)

/** Asks for an action; a person decides. */
export const proposeActionTool = tool({
  name: 'propose_action',
  toolset: 'respond',
  title: 'Propose an action',
  description:
    'Asks for a response action on one record of the inventory. It changes nothing: it is planned, and a person approves or rejects it on the page it links to. Use it when the evidence names what to contain. The target is an id from get_entity, never a name. The same proposal twice is one. A parameter that is wrong or missing is refused with what it must be. Example: {"action":"kubernetes.isolate_pod","entity":"1042","params":{},"reason":"Reverse shell to 203.0.113.9, alert alr-…","incident":"inc-1f9c04be2a"}',
  input: z.object({
    action: z
      .string()
      .max(100)
      .describe(actions.map(({ name }) => name).join(', ')),
    entity: z
      .string()
      .regex(/^\d{1,18}$/, 'must be the id of an entity, a number: take it from get_entity')
      .describe('Id of an inventory record'),
    params: z.record(z.string(), z.unknown()).default({}),
    reason: Reason.optional().describe(
      'Why, with the records that show it; people read it before they decide. Left out, the person here is asked for it',
    ),
    incident: IncidentId.optional(),
  }),
  output: z.object({ proposal: ProposalRow, created: z.boolean().describe('False: the same proposal was open already'), next: z.string() }),
  access: 'propose',
  permission: 'proposals.create',
  listed: true,
  run: async ({ action, entity, params, reason: given, incident }, context) => {
    const { name } = getAction(action)
    const incidentId = incident === undefined ? null : (await incidentOf(context.db, incident)).id
    const reason = given ?? reasonAsked(context, name)
    const { proposal, created } = await asked(context, {
      action: name,
      entityId: entity,
      params,
      reason,
      incidentId,
      investigationId: null,
    })
    context.changed?.('proposals')
    return {
      proposal: proposalRow(proposal, context.pages),
      created,
      next: 'It is planned now. A person decides on its page; get_proposal tells how it stands. Nothing has been changed.',
    }
  },
})

/** Of the person at the client, where it can ask them. Throws InputError. */
function reasonAsked({ ask }: ToolContext, action: string): string {
  const answer = ask?.({
    key: 'reason',
    message: `Why should ${action} be done? People read it before they decide; name the records that show it.`,
    answer: z.object({ reason: Reason.describe('Why, with the records that show it') }),
  })
  if (answer !== undefined) return answer.reason
  throw new InputError('Give a reason: one or two sentences with the ids of the records that show it. People read it before they decide.')
}

/** Refusals name what others named: that is quoted. */
async function asked({ responses, principal, channel }: ToolContext, request: ProposalRequest): ReturnType<typeof propose> {
  try {
    return await propose(responses, { principal, channel }, request)
  } catch (error) {
    if (error instanceof DeniedError) throw new DeniedError(error.reason, `Not proposed: ${quote(error.message, 600)}`, { cause: error })
    if (!(error instanceof InputError)) throw error
    throw new InputError(
      `Not proposed: ${quote(error.message, 600)} get_entity tells ids; list_response_actions, in the toolset respond, tells every parameter.`,
      { cause: error },
    )
  }
}
