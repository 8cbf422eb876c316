/** Proposals: what waits, one with its exact plan, and the forms that propose, decide and undo. They call what the API calls. */
import { InputError, NotFoundError } from '../../../domain/errors.ts'
import { approve, reject } from '../../../responses/approve.ts'
import { revertProposal } from '../../../responses/execute.ts'
import { propose } from '../../../responses/propose.ts'
import { approvalsOf, artifactsOf, getArtifact, listProposals } from '../../../store/proposals.ts'
import { findProposal } from '../../../store/find.ts'
import { approvalsPage, proposalPage } from '../proposal-page.ts'
import { type Fields, form, page, type WebRoute } from '../route.ts'

const running = ['requested', 'planning', 'pending', 'approved', 'executing', 'reverting'] as const
const over = ['succeeded', 'partial', 'failed', 'rejected', 'expired', 'superseded', 'unplannable', 'reverted'] as const

export const proposalRoutes: readonly WebRoute[] = [
  page('/approvals', 'proposals.read', async ({ falconer, who }) =>
    approvalsPage(
      falconer,
      who,
      await listProposals(falconer.db, { states: running }, 100),
      await listProposals(falconer.db, { states: over }, 30),
    ),
  ),
  page('/proposals/:proposal', 'proposals.read', async ({ falconer, who, param }) => {
    const proposal = await findProposal(falconer.db, param('proposal'))
    return proposalPage(falconer, who, {
      proposal,
      approvals: await approvalsOf(falconer.db, proposal.id),
      artifacts: await artifactsOf(falconer.db, proposal.id),
    })
  }),
  page('/proposals/:proposal/artifacts/:artifact', 'proposals.read', async ({ falconer, context, param }) => {
    const proposal = await findProposal(falconer.db, param('proposal'))
    const artifact = await getArtifact(falconer.db, proposal.id, param('artifact'))
    if (artifact === undefined) throw new NotFoundError('There is no such file.')
    return context.body(new Uint8Array(artifact.content), 200, {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${artifact.name.replace(/[^\w.-]/g, '_')}"`,
    })
  }),
  form('/proposals', 'proposals.create', async ({ falconer, context, who, fields }) => {
    const { proposal } = await propose(falconer.responses, who, {
      action: fields.get('action'),
      entityId: fields.get('entityId'),
      params: paramsFrom(fields),
      reason: reasonFrom(fields),
      incidentId: null,
      investigationId: null,
    })
    falconer.changed('proposals')
    return context.redirect(`/proposals/${proposal.id}`, 303)
  }),
  form('/proposals/:proposal/decide', 'proposals.decide', async ({ falconer, context, who, param, fields }) => {
    const proposal = await findProposal(falconer.db, param('proposal'))
    const decision = { approve, reject }[fields.get('do') as 'approve' | 'reject']
    if (decision === undefined) throw new InputError('Choose to approve or to reject.')
    await decision(falconer.responses, who, {
      proposalId: proposal.id,
      planHash: fields.get('planHash'),
      reason: fields.get('reason'),
      shownDigest: /^[0-9a-f]{64}$/.test(fields.get('shown')) ? fields.get('shown') : null,
    })
    falconer.changed('proposals')
    return context.redirect(`/proposals/${proposal.id}`, 303)
  }),
  form('/proposals/:proposal/revert', 'proposals.revert', async ({ falconer, context, who, param, fields }) => {
    const proposal = await findProposal(falconer.db, param('proposal'))
    await revertProposal(falconer.responses, who, proposal.id, fields.get('reason'))
    falconer.changed('proposals')
    return context.redirect(`/proposals/${proposal.id}`, 303)
  }),
]

/** Parameters of actions are numbers today; the action's own schema checks them. */
const paramsFrom = (fields: Fields): Record<string, number> =>
  Object.fromEntries(
    fields.names
      .filter((name) => name.startsWith('param:') && fields.get(name) !== '')
      .map((name) => [name.slice('param:'.length), Number(fields.get(name))]),
  )

function reasonFrom(fields: Fields): string {
  const reason = fields.get('reason').trim()
  if (reason === '' || reason.length > 2_000) throw new InputError('Say why, in 1 to 2,000 characters.')
  return reason
}
