/** What was proposed and waits for a person. */
import type { QuestionKind } from '../question.ts'
import { at, moment, observed } from '../say.ts'

type Proposal = { reason: string; approvals: { needed: number; given: number } }

export const waitingQuestion: QuestionKind = {
  name: 'waiting',
  examples: ['What is waiting for approval?', 'What is proposed in inc-1f9c04be2a?', 'How does prp-1f9c04be2a stand?'],
  asks: ({ has, proposal }) =>
    proposal !== null ? 9 : has(/waiting|pending|proposed|proposals?\b|approvals?\b|to approve|what (can|should) (i|we) approve/) ? 8 : 0,
  answer: async ({ incident, incidentNamed, proposal, has }, { ask, records }) => {
    const within = incidentNamed || has(/\b(this|here|it)\b/) ? incident : null
    const ids = proposal === null ? (await records.waiting(within)).map(({ id }) => id) : [proposal]
    const told = await Promise.all(
      ids.slice(0, 8).map(async (id) => ({ id, found: await ask<Proposal>('get_proposal', { proposal: id }) })),
    )
    const refused = told.flatMap(({ found }) => (found.ok ? [] : [found.text]))
    return {
      sentences: told.flatMap(({ id, found }) =>
        found.ok
          ? [
              observed`${at('proposal', id, 'shortId')}: ${at('proposal', id, 'action')} on ${at('proposal', id, 'kind')} ${at('proposal', id, 'target')}, ${at('proposal', id, 'state')}; ${found.data.approvals.given} of ${found.data.approvals.needed} approvals given${proposal !== null ? '' : ['; to be decided by ', moment('proposal', id, 'expires'), ' UTC']}.`,
            ]
          : [],
      ),
      unknowns: [...refused, ...(ids.length === 0 ? [`No proposal is waiting for approval${within === null ? '' : ' there'}.`] : [])],
      notes: ids.length === 0 ? [] : ['People approve on the page, after they have read what would run. Nothing is approved here.'],
      links: [{ label: 'Approvals', path: '/approvals' }],
      followUps: ['Which incidents are open?'],
    }
  },
}
