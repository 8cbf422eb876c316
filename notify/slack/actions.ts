/** What buttons on cards are called, and what they carry: ids of records and the hash that was shown, nothing that a record says. */
import { isId } from '../../domain/ids.ts'

export const slackActions = {
  investigate: 'falconer_investigate',
  open: 'falconer_open',
  assign: 'falconer_assign',
  notIncident: 'falconer_not_incident',
  approve: 'falconer_approve',
  reject: 'falconer_reject',
} as const
export const actionsBlockId = 'falconer_actions'

/** Of one card: a proposal, and the plan that it showed. */
export type CardValue = { id: string; planHash: string }
export const cardValue = ({ id, planHash }: CardValue): string => `${id} ${planHash}`

/** Undefined: no card of ours carries this. */
export function readCardValue(text: string | undefined): CardValue | undefined {
  const [, id = '', planHash = ''] = /^([0-9a-f-]{36}) (v\d{1,3}:[0-9a-f]{64})$/.exec(text ?? '') ?? []
  return isId(id) ? { id, planHash } : undefined
}
