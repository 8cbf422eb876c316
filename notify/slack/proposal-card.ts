/**
 * The card of a proposal: what would run, what of it changes, whom it affects, how it is undone, and the hash of exactly that. Rendered from the stored plan,
 * never by an analyst. Only one that waits for a decision has buttons; what cannot be shown whole is decided on the page.
 */
import { shortId } from '../../domain/ids.ts'
import type { ActionTarget, Plan, Proposal, ProposalState } from '../../domain/proposal.ts'
import type { ProposalFacts } from '../proposal-facts.ts'
import { cardValue, slackActions } from './actions.ts'
import { type Block, bounded, type ButtonOf, buttons, type Card, header, type Inline, lines, points, preformatted } from './blocks.ts'
import { word } from './incident-card.ts'
import { fallback, link, moment, plain, plainLines, prose, sentence, value, words } from './text.ts'

export function proposalCard(facts: ProposalFacts): Card {
  const { proposal, title } = facts
  const { plan } = proposal
  const place = placeOf(proposal.target)
  return {
    text: fallback(`Proposal ${shortId('proposal', proposal.id)} (${stateWords[proposal.state]}): ${title} ${place}`, 500),
    blocks: bounded([
      header(`${title} ${place}: ${stateWords[proposal.state]}`),
      lines(standing(facts, place), ...outcome(proposal), why(proposal)),
      ...(plan === null ? [] : planBlocks(plan, proposal)),
      decided(facts),
      actions(facts),
    ]),
  }
}

export const placeOf = ({ namespace, name }: ActionTarget): string => `${namespace === null ? '' : `${namespace}/`}${name}`

const stateWords: Readonly<Record<ProposalState, string>> = {
  requested: 'being planned',
  planning: 'being planned',
  pending: 'waits for a decision',
  unplannable: 'cannot be planned',
  approved: 'approved',
  rejected: 'rejected',
  expired: 'expired',
  superseded: 'superseded',
  executing: 'running',
  succeeded: 'done',
  partial: 'done in part',
  failed: 'failed',
  reverting: 'being undone',
  reverted: 'undone',
}

function standing({ proposal, url, incidentUrl }: ProposalFacts, place: string): Inline[] {
  const { target, plan, incidentId } = proposal
  const incident: Inline[] =
    incidentId === null || incidentUrl === null ? [] : [words(' · for '), link(incidentUrl, shortId('incident', incidentId))]
  return [
    link(url, shortId('proposal', proposal.id)),
    words(` · ${target.workloadKind ?? target.kind} `),
    value(place, 160),
    words(' · cluster '),
    value(target.scope, 100),
    ...(plan?.simulated === true ? [words(' (simulated)')] : []),
    ...incident,
  ]
}

const why = ({ proposedBy, reason }: Proposal): Inline[] => [
  words('Proposed by ', { bold: true }),
  value(proposedBy.name, 60),
  words(proposedBy.kind === 'agent' ? ' (an analyst, no person): ' : ': '),
  ...sentence(reason, 600),
]

/** What came of it, once something did. */
function outcome(proposal: Proposal): Inline[][] {
  const { result, state, stateReason, supersededBy } = proposal
  const said: Inline[] = [words(`${word(stateWords[state])}.`, { bold: true })]
  if (stateReason !== null) said.push(words(' '), prose(stateReason, 600))
  if (supersededBy !== null) said.push(words(` The new one is ${shortId('proposal', supersededBy)}.`))
  if (result === null) return state === 'pending' ? [] : [said]
  const { observation } = result
  const seen =
    observation.level === 'effect_observed'
      ? 'Effect observed: '
      : `Not verified to have had its effect (${observation.level.replaceAll('_', ' ')}): `
  const open = observation.remaining.length === 0 ? [] : [words(' Still open: '), prose(observation.remaining.join('; '), 400)]
  const text: Inline[] = result.text === stateReason ? [] : [words(' '), prose(result.text, 600)]
  return [
    [...said, ...text],
    [words(seen, { bold: true }), prose(observation.text, 600), ...open],
  ]
}

/** Each no longer than this, and so many `warnings`. */
export const planFacts = (
  { blastRadius, undo, evidenceFirst, warnings }: Plan,
  most: { affects: number; other: number; warning: number; warnings: number },
): Inline[][] => [
  [words('Affects: ', { bold: true }), prose(blastRadius.summary, most.affects)],
  [words('Undo: ', { bold: true }), undo === null ? words('Cannot be undone.', { bold: true }) : prose(undo, most.other)],
  ...(evidenceFirst.length === 0 ? [] : [[words('Stored first: ', { bold: true }), prose(evidenceFirst.join(', '), most.other)]]),
  ...warnings.slice(0, most.warnings).map((one): Inline[] => [words('Warning: ', { bold: true }), prose(one, most.warning)]),
]

const mostOfDiff = 2_400

function planBlocks(plan: Plan, { state, planHash }: Proposal): Block[] {
  const { text, left } = plainLines(plan.diff, mostOfDiff)
  const cut = left === 0 ? [] : [[words(`${left} more line${left === 1 ? '' : 's'} of it on the page.`, { bold: true })]]
  const hash = planHash ?? ''
  return [
    lines([words(`${heading(state)}: `, { bold: true }), prose(plan.summary, 400)]),
    preformatted(text),
    lines(...cut, ...planFacts(plan, { affects: 400, other: 300, warning: 300, warnings: 5 }), [
      words('Plan '),
      words(shortHash(hash), { code: true, bold: true }),
      words(', in full '),
      words(plain(hash, 80) || '–', { code: true }),
    ]),
  ]
}

/** `v1:32e087666d35`: the version, and enough to compare at a glance. */
const shortHash = (hash: string): string => plain(hash.replace(/^(v\d+:)?(.{0,12}).*$/s, '$1$2'), 20) || '–'

function heading(state: ProposalState): string {
  if (['rejected', 'expired', 'superseded', 'failed', 'unplannable'].includes(state)) return 'What would have run'
  return ['succeeded', 'partial', 'reverting', 'reverted'].includes(state) ? 'What ran' : 'What will run'
}

function decided({ proposal, approvals }: ProposalFacts): Block {
  const { quorum, expiresAt, state } = proposal
  const open = state === 'pending' && expiresAt !== null ? [words('; expires '), moment(expiresAt)] : []
  const needs: Inline[] = [words(`Needs ${quorum === 1 ? 'one approval' : `approvals by ${quorum} different people`}`), ...open, words('.')]
  const said = approvals
    .slice(0, 12)
    .map((one): Inline[] => [
      value(one.name, 60),
      words(` (${one.role}) ${{ approve: 'approved', reject: 'rejected', revert: 'undid it' }[one.decision]} by ${one.channel}, `),
      moment(one.at),
      ...(one.reason === '' ? [] : [words(': '), prose(one.reason, 300)]),
    ])
  return said.length === 0
    ? lines([...needs, words(state === 'pending' ? ' Nobody has decided yet.' : ' Nobody decided.')])
    : points('Decisions', [needs, ...said])
}

/** Whoever decides has seen all of it: what does not fit here is decided on the page. */
function actions({ proposal, pageOnly, url }: ProposalFacts): Block {
  const { state, plan, planHash, id } = proposal
  if (state !== 'pending' || plan === null || planHash === null) return buttons({ id: slackActions.open, label: 'Open', url })
  const shown = cardValue({ id, planHash })
  const reject: ButtonOf = { id: slackActions.reject, label: 'Reject…', value: shown, style: 'danger' }
  if (pageOnly || plainLines(plan.diff, mostOfDiff).left > 0)
    return buttons({ id: slackActions.open, label: 'Decide on the page', url, style: 'primary' }, reject)
  return buttons({ id: slackActions.approve, label: 'Approve…', value: shown, style: 'primary' }, reject, {
    id: slackActions.open,
    label: 'Open',
    url,
  })
}
