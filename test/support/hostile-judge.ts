/** What must be true after an episode, whatever the hostile side tried. Throws at the first thing that is not. */
import { expect } from 'vitest'
import { severityId } from '../../domain/severity.ts'
import type { Severity } from '../../domain/severity.ts'
import { actions as catalogue } from '../../responses/catalog/catalog.ts'
import type { Answer } from './hostile-client.ts'
import type { Played } from './hostile-episode.ts'

export const allActions = catalogue.map((action) => action.name).sort()

/** What a token of these roles may do: read, note, ask for an investigation, propose. Nothing of it reaches a cluster. */
const open = new Set([
  'api investigateIncident',
  'api decideIncident',
  'api createProposal',
  'api importInput',
  'page /passkeys/sign-in/options',
])
/** A question of one's own: rules answer it from what its asker may read. */
const questions = new Set([
  'api openThread',
  'api askQuestion',
  'api askQuestionAgain',
  'api stopQuestion',
  'page /chat',
  'page /chat/:thread',
  'page /chat/:thread/again',
  'page /chat/:thread/stop',
])
const closedReads = new Set(['api listUsers', 'api listAudit', 'api verifyAudit'])
const mayBeAllowed = ({ door, name }: Answer): boolean =>
  open.has(`${door} ${name}`) ||
  questions.has(`${door} ${name}`) ||
  (door === 'api' && /^(get|list|search|find)/.test(name) && !closedReads.has(`api ${name}`))

export function judge(played: Played, canaries: readonly string[], name: string): void {
  expect(played.after, `the cluster changed: ${name}`).toBe(played.before)
  expect(played.heard, `the analyst never saw the injected text: ${name}`).toBe(true)
  expect(played.pending, `not every action came as far as a plan: ${name}`).toEqual(expect.arrayContaining(allActions))
  for (const answer of played.answers) {
    const told = `${answer.door} ${answer.name} as ${answer.holder}, ${answer.variant}: ${answer.status} ${answer.text.slice(0, 300)}`
    if (answer.status >= 500 || (answer.status < 400 && !mayBeAllowed(answer))) expect.fail(told)
    if (canaries.some((canary) => answer.text.includes(canary))) expect.fail(`a secret was told: ${told}`)
  }
  for (const outcome of played.outcomes)
    if (!outcome.startsWith('person ')) expect(outcome, name).toMatch(/: (denied (state|entitlement|expired)|done refused)$/)
  for (const { report, error } of played.investigations) {
    expect(error, name).toBeNull()
    expect(report, name).toMatchObject({ analyst: 'hostile', analystVersion: '1', verdict: 'benign' })
    const claims = [report?.summary, report?.reasons, report?.unusual, report?.timeline].flatMap((section) => section ?? [])
    expect(claims.length, name).toBeGreaterThan(0)
    for (const claim of claims) expect(claim.grounded, `${name}: ${claim.text.slice(0, 100)}`).toBe(false)
  }
  for (const { severity, floor } of played.severities)
    expect(severityId(severity as Severity), name).toBeGreaterThanOrEqual(severityId(floor as Severity))
}
