import { describe, expect, it } from 'vitest'
import type { Approval, Plan, Proposal } from '../../domain/proposal.ts'
import { incidentFacts, noReport } from '../../test/support/incident-facts.ts'
import { payloads } from '../../test/support/hostile-payloads.ts'
import { live, shownText, texts } from '../../test/support/slack-shown.ts'
import type { IncidentFacts } from '../incident-facts.ts'
import type { ProposalFacts } from '../proposal-facts.ts'
import { readCardValue } from './actions.ts'
import type { Card } from './blocks.ts'
import { developments, toldOf } from './developments.ts'
import { digestCard } from './digest.ts'
import { incidentCard } from './incident-card.ts'
import { proposalCard } from './proposal-card.ts'
import { fallback, plain, plainLines } from './text.ts'

const at = new Date('2026-11-24T12:05:00Z')
const hash = `v1:${'ab12'.repeat(16)}`
const claim = (text: string, grounded = true) => ({ text, kind: 'observation' as const, evidence: [], grounded, problems: [] })
const report = (text: string): NonNullable<IncidentFacts['report']> => ({
  ...noReport,
  verdict: 'true_positive',
  confidence: 'high',
  summary: [
    claim(`Somebody ran ⟦${text}⟧ in ⟦checkout⟧.`),
    claim('Not so.', false),
    claim('It read a token.'),
    claim('It spoke to ⟦203.0.113.7⟧.'),
    claim('A fourth.'),
  ],
})
const incidentOf = (text: string): IncidentFacts =>
  incidentFacts({
    report: report(text),
    incident: { title: text, scope: text, severityReasons: [{ code: 'x', text: `Because of ⟦${text}⟧.`, severity: 'high' }] },
    touched: [{ kind: 'pod', key: 'k', name: text, namespace: text, labels: {} }],
    rules: incidentFacts().rules.map((rule) => ({ ...rule, rule: text })),
  })
function proposalOf(text: string, over: Partial<Proposal> = {}, approvals: Approval[] = []): ProposalFacts {
  const target = { scope: text, kind: 'pod' as const, entityId: '1', namespace: text, name: text, uid: 'u', workloadKind: null }
  const plan: Plan = {
    action: 'kubernetes.isolate_pod',
    params: {},
    target,
    declared: { specDigest: '', labels: {}, owner: null, images: [] },
    requests: [],
    blastRadius: { summary: text, affected: [] },
    summary: `Isolate ${text}`,
    diff: `- ${text}\n+ ${text}\n  unchanged`,
    warnings: [text],
    undo: text,
    undoRequests: [],
    simulated: true,
    clusterId: 'c',
    evidenceFirst: [text],
  }
  const proposal: Proposal = {
    id: '019aa000-0000-7000-8000-00000000d00d',
    incidentId: '019aa000-0000-7000-8000-00000000cafe',
    investigationId: null,
    scope: text,
    action: 'kubernetes.isolate_pod',
    params: {},
    target,
    reason: `Because ⟦${text}⟧ was seen.`,
    state: 'pending',
    stateReason: null,
    proposedBy: { id: 'agent', kind: 'agent', name: text, personId: 'agent' },
    plan,
    planHash: hash,
    quorum: 2,
    expiresAt: at,
    supersededBy: null,
    claimId: null,
    result: null,
    createdAt: at,
    updatedAt: at,
    ...over,
  }
  return {
    proposal,
    approvals,
    title: 'Isolate a pod',
    pageOnly: false,
    url: 'https://falconer.example.org/proposals/019aa000-0000-7000-8000-00000000d00d',
    incidentUrl: 'https://falconer.example.org/incidents/019aa000-0000-7000-8000-00000000cafe',
    incident: null,
    labels: {},
  }
}
const decision = (text: string, decision: Approval['decision'] = 'approve'): Approval => ({
  id: 'a',
  proposalId: 'p',
  principalId: 'u1',
  personId: 'u1',
  name: text,
  role: 'responder',
  decision,
  planHash: hash,
  reason: text,
  channel: 'slack',
  at,
})
const result = (text: string): NonNullable<Proposal['result']> => ({
  status: 'succeeded',
  text,
  undo: [],
  observation: { level: 'effect_observed', text, remaining: [text] },
  drift: [],
  at: at.toISOString(),
})
/** Every message that cards make, with a text of an attacker wherever a record has one. */
function everyCard(text: string): Card[] {
  const first = incidentOf('calm')
  const then = incidentOf(text)
  const grown = { ...then, incident: { ...then.incident, alertCount: 40, severity: 'critical' as const, state: 'closed' as const } }
  return [
    incidentCard(then),
    incidentCard({ ...then, incident: { ...then.incident, mergedInto: '019aa000-0000-7000-8000-00000000beef' } }),
    proposalCard(proposalOf(text)),
    proposalCard({ ...proposalOf(text, { state: 'succeeded', result: result(text), stateReason: text }, [decision(text)]) }),
    developments(toldOf(first, at), grown, at) as Card,
    digestCard(
      { id: 'd', kind: 'storm', beganAt: at, changedAt: at, newestAt: at, toldAt: null, endedAt: null },
      {
        total: 2,
        bySeverity: { high: 2 },
        closed: 0,
        alerts: 2,
        rules: [{ rule: text, incidents: 2 }],
        first: [{ id: then.incident.id, title: text, severity: 'high', state: 'open', merged: false, scope: text, alerts: 1 }],
      },
      'https://falconer.example.org',
      null,
    ),
  ]
}

describe('cards', () => {
  it('read so', () => {
    const shown = [
      incidentCard(incidentOf('sh -c id')),
      proposalCard(proposalOf('shop/checkout')),
      proposalCard(
        proposalOf('checkout', { state: 'succeeded', result: result('The policy is there.') }, [decision('Ada'), decision('Grace')]),
      ),
    ].map((card) => shownText(card.blocks))
    expect(shown.join('\n\n---\n\n')).toMatchSnapshot()
  })

  it('tell three grounded sentences, and who wrote them', () => {
    const text = shownText(incidentCard(incidentOf('id')).blocks)
    expect(text).toContain('the playbook (rules, no model)')
    expect(text).toContain('It spoke to 203.0.113.7.')
    expect(text).not.toMatch(/Not so|A fourth/)
    const model = { ...report('id'), analyst: 'claude', model: 'anthropic/claude-sonnet-5-5' }
    expect(shownText(incidentCard({ ...incidentOf('id'), report: model }).blocks)).toContain('Claude (a model: claude-sonnet-5-5)')
    expect(shownText(incidentCard(incidentFacts()).blocks)).toContain('Not investigated yet')
  })

  it('say where a merged incident went, and have no buttons that act', () => {
    const card = incidentCard(incidentFacts({ incident: { mergedInto: '019aa000-0000-7000-8000-0000deadbeef' } }))
    expect(shownText(card.blocks)).toContain('merged into <inc-00deadbeef>')
    expect(shownText(card.blocks)).toMatch(/\n\[Open\] -> \S+$/)
  })

  it('offer a decision only where one is possible, on exactly the plan that is shown', () => {
    const acting = (facts: ProposalFacts): string[] =>
      JSON.stringify(proposalCard(facts).blocks).match(/falconer_(?:approve|reject)/g) ?? []
    expect(acting(proposalOf('x'))).toEqual(['falconer_approve', 'falconer_reject'])
    expect(acting({ ...proposalOf('x'), pageOnly: true })).toEqual(['falconer_reject'])
    const long = proposalOf('x')
    const plan = { ...(long.proposal.plan as Plan), diff: '+ line\n'.repeat(2_000) }
    expect(acting({ ...long, proposal: { ...long.proposal, plan } })).toEqual(['falconer_reject'])
    expect(shownText(proposalCard({ ...long, proposal: { ...long.proposal, plan } }).blocks)).toMatch(/\d+ more lines of it on the page/)
    const over = [
      'requested',
      'planning',
      'unplannable',
      'approved',
      'rejected',
      'expired',
      'superseded',
      'executing',
      'succeeded',
      'partial',
      'failed',
      'reverting',
      'reverted',
    ] as const
    for (const state of over) expect(acting(proposalOf('x', { state })), state).toEqual([])
    const value = /"value":"([^"]*)"/.exec(JSON.stringify(proposalCard(proposalOf('x')).blocks))?.[1]
    expect(readCardValue(value)).toEqual({ id: proposalOf('x').proposal.id, planHash: hash })
    expect(shownText(proposalCard(proposalOf('x')).blocks)).toContain(hash)
  })

  it('say who decided', () => {
    const text = shownText(proposalCard(proposalOf('x', { state: 'rejected' }, [decision('Ada', 'reject')])).blocks)
    expect(text).toContain('Ada (responder) rejected by slack')
    expect(text).toContain('What would have run')
  })
})

const hostile = [
  '<!channel> <!here> <@U012AB3CD> <#C012AB3CD> @here @channel @everyone #general <!subteam^S1>',
  '<https://evil.example/|Approve here> https://evil.example/x mailto:a@evil.example www.evil.example tel:112',
  '*bold* _it_ ~no~ `code` ```block``` > quote\n\n*Approved by Ada* :white_check_mark:',
  '&lt;!channel&gt; &amp;lt;',
  'AKIAIOSFODNN7EXAMPLE password=hunter22222 Bearer abcdefghijklmnop',
  '\u202ereversed\u202c \u200bzero \u{e0041}tag \u0007bell \ud800 lone',
  'A'.repeat(100_000),
  '&'.repeat(50_000),
  '\u202e'.repeat(20_000),
  '',
  '⟦⟧⟦',
  ...payloads.map(({ write }) =>
    write('MARK', { podName: 'p', podUid: 'u', namespace: 'n', containerId: 'c'.repeat(64), entityIds: ['1', '2'], planHash: hash }),
  ),
]

describe('what an attacker wrote', () => {
  it.each(hostile.map((text) => [text.slice(0, 40), text]))('guarantee 7: is nothing but text on any card: %j', (_name, text) => {
    for (const card of everyCard(text)) {
      for (const part of live(card.blocks)) {
        expect(part.type, JSON.stringify(part)).toBe('link')
        expect(part.url).toMatch(/^https:\/\/falconer\.example\.org\/(?:incidents|proposals)(?:\/[0-9a-f-]{36})?$/)
        expect(part.text).toMatch(/^(?:(?:inc|prp)-[0-9a-f]{10}|all incidents)$/)
      }
      const shown = texts(card.blocks)
      for (const one of shown) {
        expect(one).not.toBe('')
        expect(one.length).toBeLessThanOrEqual(3_000)
        expect(one).not.toMatch(
          /:\/\/|mailto:\w|AKIAIOSFODNN7EXAMPLE|hunter22222|[\u202a-\u202e\u200b-\u200f\u2066-\u2069\0-\u0009\u000b-\u001f]|[\u{e0000}-\u{e007f}]/u,
        )
      }
      expect(card.text).not.toMatch(/[<>@#](?!\])|[*_~`](?!\])|:\w+:|&(?!(?:amp|lt|gt);)|:\/\//)
      expect(card.blocks.length).toBeLessThanOrEqual(50)
      expect(JSON.stringify(card.blocks).length).toBeLessThan(40_000)
      const heading = card.blocks.find((block) => block.type === 'header') as { text: { text: string } } | undefined
      expect(heading?.text.text.length ?? 1).toBeLessThanOrEqual(150)
    }
  })

  it('is bounded whatever escaping adds, and a cut leaves no half of a character', () => {
    for (const text of hostile)
      for (const limit of [1, 10, 150, 3_000]) {
        expect(plain(text, limit).length).toBeLessThanOrEqual(limit)
        expect(fallback(text, limit).length).toBeLessThanOrEqual(limit)
        expect(plainLines(text, limit).text.length).toBeLessThanOrEqual(limit)
        expect(plain(`${text}😀😀😀`, limit)).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/)
      }
  })
})
