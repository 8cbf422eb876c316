/**
 * Guarantee 14 through Slack: buttons pressed and forms sent by several people, as who they are linked with at that moment and with the role they have then, old
 * forms and other people’s forms among them, some decisions made on the page meanwhile; against the same model of the rules as decisions by any channel.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { slackLinkCode, slackPrincipal } from '../../auth/slack-links.ts'
import { setDisabled, setRole, userPrincipal } from '../../auth/people.ts'
import { agentPrincipal, type Role } from '../../domain/principal.ts'
import type { Proposal } from '../../domain/proposal.ts'
import { cardValue, slackActions } from '../../notify/slack/actions.ts'
import { approve, reject } from '../../responses/approve.ts'
import { executeProposal, expireOverdue } from '../../responses/execute.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import type { Policy } from '../../responses/policy.ts'
import { propose } from '../../responses/propose.ts'
import { listAudit } from '../../store/audit.ts'
import { findEntity } from '../../store/entities.ts'
import { getUser, setUserDisabled, setUserRole } from '../../store/people.ts'
import { approvalsOf, getProposal } from '../../store/proposals.ts'
import { deleteSlackLink, insertSlackLink } from '../../store/slack-links.ts'
import { saveSlackMessage } from '../../store/slack.ts'
import { Model, setting, type Setting, type Who } from '../support/approval-model.ts'
import { runnerFor, type Runs } from '../support/approval-runner.ts'
import { denied } from '../support/executor-bench.ts'
import { podUid, recordInventory } from '../support/shop.ts'
import { openSite, operator, type Site } from '../support/site.ts'
import { full, property, seed } from '../support/sizes.ts'
import { type InSlack, inSlack, linkIn, slackConfig } from '../support/slack-people.ts'
import { readable, SlackWorkspace, team } from '../support/slack-workspace.ts'

vi.setConfig({ testTimeout: full ? 7_200_000 : 240_000 })

/** Accounts in Slack, and people of the same names; who is whom changes. */
const names = ['ada', 'bob', 'cyd'] as const
type Name = (typeof names)[number]
const name = fc.constantFrom(...names)
const role = fc.constantFrom<Role>(
  'responder',
  'responder',
  'administrator',
  'administrator',
  'administrator',
  'administrator',
  'investigator',
  'viewer',
)
const what = fc.constantFrom<'approve' | 'reject'>('approve', 'approve', 'approve', 'approve', 'reject')
const hash = fc.constantFrom<'right' | 'wrong'>('right', 'right', 'right', 'right', 'right', 'wrong')
const meanwhile = fc.constantFrom(null, null, null, null, 'time', 'time', 'impact', 'role', 'unlink')
const is = <T extends string>(text: T) => fc.constant(text)
const command = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: is('press'), by: name, what, hash }) },
  // A form that somebody was shown, perhaps another person, perhaps long ago.
  { weight: 5, arbitrary: fc.record({ do: is('send'), by: name, form: fc.nat(2), hash }) },
  // Opened and sent, as people do, and what may change meanwhile.
  { weight: 6, arbitrary: fc.record({ do: is('decide'), by: name, what, meanwhile }) },
  { weight: 1, arbitrary: fc.record({ do: is('page'), by: name, what }) },
  { weight: 1, arbitrary: fc.record({ do: is('again') }) },
  { weight: 1, arbitrary: fc.record({ do: is('unlink'), by: name }) },
  { weight: 1, arbitrary: fc.record({ do: is('link'), by: name, to: name }) },
  { weight: 2, arbitrary: fc.record({ do: is('role'), of: name, role }) },
  { weight: 1, arbitrary: fc.record({ do: is('disable'), of: name, disabled: fc.boolean() }) },
  // Who approved may be entitled no more when it is to run.
  { weight: 3, arbitrary: fc.record({ do: is('execute'), demoted: fc.option(name, { freq: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ do: is('wait'), minutes: fc.constantFrom(1, 11, 61) }) },
  { weight: 1, arbitrary: fc.record({ do: is('sweep') }) },
)
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never
const approval: Command = { do: 'decide', by: 'bob', what: 'approve', meanwhile: null }
const run = (demoted: Name | null): Command => ({ do: 'execute', demoted })
/** Most begin as a life usually does, so that its later states are met often. */
const sequence = fc
  .tuple(
    fc.constantFrom<Command[]>([], [approval], [approval, approval], [approval, run(null)], [approval, run('bob')]),
    fc.array(command, { minLength: 4, maxLength: 11 }),
  )
  .map(([first, rest]) => [...first, ...rest])
const world = fc.record({
  setting,
  impact: fc.constantFrom<'normal' | 'high'>('normal', 'normal', 'normal', 'high'),
  roles: fc.tuple(role, fc.constantFrom<Role>('administrator', 'administrator', 'administrator', 'responder'), role),
})

let workspace: SlackWorkspace
let site: Site
let there: InSlack
let entityId: string
const ids = new Map<string, string>()
const met = new Map<string, number>()
beforeAll(async () => {
  workspace = await SlackWorkspace.open([...names])
  // What is opened and whispered is looked at here, and nowhere else.
  workspace.fails = ({ method }) => (method === 'views.open' || method === 'chat.postEphemeral' ? { ok: true } : null)
  site = await openSite({ config: slackConfig(workspace) })
  there = await inSlack(site, workspace)
  await recordInventory(site.db, site.clock, 'lab')
  entityId = String((await findEntity(site.db, { kind: 'pod', scope: 'lab', key: podUid }))?.id)
  for (const one of names) ids.set(one, (await site.visitor(`Person ${one}`, 'responder')).id)
}, 120_000)
afterAll(async () => {
  await there.slack.stop()
  await site.close()
  await workspace.close()
})
const idOf = (person: string): string => ids.get(person) ?? person
const account = (one: Name) => ({ team, user: workspace.user(one) })

/** One proposal, who is whom, and the forms that were opened; beside the model, which knows no Slack. */
class Sequence {
  readonly model: Model
  readonly linked = new Map<Name, Name>(names.map((one) => [one, one]))
  readonly disabled = new Set<Name>()
  readonly forms: { view: Record<string, unknown>; what: 'approve' | 'reject' }[] = []
  readonly roles: Map<Name, Role>
  readonly #proposal: Proposal
  /** Why no approval is taken in Slack. */ #refused: string | null
  #last: Record<string, unknown> | null = null
  constructor(given: Setting, impact: 'normal' | 'high', roles: Map<Name, Role>, proposal: Proposal) {
    this.model = new Model(given)
    this.roles = roles
    this.#proposal = proposal
    this.#refused = impact === 'high' ? 'page_only' : null
  }

  /** What happened, and what the rules say must have. */
  async perform(one: Command): Promise<[string, string]> {
    const { model } = this
    const { responses, auth } = site.falconer
    switch (one.do) {
      case 'press':
        return this.#press(one.by, one.what, one.hash)
      case 'send':
        if (this.forms.length === 0) return this.#press(one.by, 'approve', one.hash)
        return this.#send(one.by, this.forms.at(-1 - (one.form % this.forms.length)), one.hash)
      case 'decide': {
        const before = this.forms.length
        const pressed = await this.#press(one.by, one.what, 'right')
        if (this.forms.length === before) return pressed
        await this.#meanwhile(one.by, one.meanwhile)
        return this.#send(one.by, this.forms.at(-1), 'right')
      }
      case 'again':
        if (this.#last !== null) expect(await (await there.send(this.#last)).text()).toBe('')
        return ['', '']
      case 'page':
        return this.#onPage(one.by, one.what)
      case 'unlink':
        await there.send(workspace.command(one.by, 'unlink'))
        // Who is disabled is nobody there, and can end nothing.
        if (this.#personAt(one.by) !== null) this.linked.delete(one.by)
        return this.#whoIs(one.by)
      case 'link':
        await this.#link(one.by, one.to)
        return this.#whoIs(one.by)
      case 'role':
        await setRole(auth, operator, idOf(one.of), one.role)
        this.roles.set(one.of, one.role)
        return ['', '']
      case 'disable':
        await setDisabled(auth, operator, idOf(one.of), one.disabled)
        if (one.disabled) this.disabled.add(one.of)
        else this.disabled.delete(one.of)
        return ['', '']
      case 'execute': {
        if (one.demoted !== null) await this.perform({ do: 'role', of: one.demoted, role: 'investigator' })
        const still = (person: string): boolean => !this.disabled.has(person as Name) && model.entitled(this.#who(person as Name))
        return [await denied(executeProposal(responses, this.#proposal.id)), model.execute(still)]
      }
      case 'wait':
        site.clock.advance(one.minutes * 60_000)
        model.wait(one.minutes)
        return ['', '']
      case 'sweep':
        await expireOverdue(responses)
        model.sweep()
        return ['', '']
    }
  }

  /** As rows and the audit log have it in the end. */
  async ends(runs: Runs): Promise<void> {
    const { model } = this
    const { id } = this.#proposal
    expect((await getProposal(site.db, { id }))?.state).toBe(model.state)
    const given = await approvalsOf(site.db, id)
    const approvals = given.filter(({ decision }) => decision === 'approve').map(({ personId, role: had }) => [personId, had])
    expect(approvals).toEqual([...model.approved].map(([person, had]) => [idOf(person), had]))
    expect(given.flatMap(({ decision, personId }) => (decision === 'reject' ? [personId] : []))).toEqual(
      model.rejectedBy === null ? [] : [idOf(model.rejectedBy)],
    )
    const audit = (await listAudit(site.db, { subject: `proposal/${id}`, limit: 100 })).filter(
      ({ action }) => action === 'proposal approved',
    )
    expect(audit.length).toBe(model.approved.size)
    expect(runs).toEqual({ execute: model.executions, revert: 0 })
  }

  async #meanwhile(by: Name, changed: 'time' | 'impact' | 'role' | 'unlink' | null): Promise<void> {
    const person = this.linked.get(by)
    if (changed === 'time') await this.perform({ do: 'wait', minutes: 61 })
    if (changed === 'unlink') await this.perform({ do: 'unlink', by })
    if (changed === 'role' && person !== undefined) await this.perform({ do: 'role', of: person, role: 'viewer' })
    if (changed !== 'impact') return
    site.falconer.responses = { ...site.falconer.responses, policy: impactful(site.falconer.responses.policy) }
    this.#refused = 'page_only'
  }

  #personAt(at: Name): Name | null {
    const person = this.linked.get(at)
    return person === undefined || this.disabled.has(person) ? null : person
  }
  async #whoIs(at: Name): Promise<[string, string]> {
    const expected = this.#personAt(at)
    return [(await slackPrincipal(site.falconer.auth, account(at)))?.personId ?? 'nobody', expected === null ? 'nobody' : idOf(expected)]
  }
  #who(person: Name): Who {
    return { person, role: this.roles.get(person) ?? 'viewer', kind: 'user', mayApprove: true, login: 0 }
  }
  /** By the rule of the room: who may not decide at all is told so before anything else. */
  #barred(at: Name): string | null {
    const person = this.#personAt(at)
    if (person === null) return 'unlinked'
    return ['responder', 'administrator'].includes(this.#who(person).role) ? null : 'entitlement'
  }

  async #press(by: Name, wanted: 'approve' | 'reject', which: 'right' | 'wrong'): Promise<[string, string]> {
    const { id, planHash } = this.#proposal
    const value = cardValue({ id, planHash: which === 'right' ? (planHash ?? '') : `v1:${'0'.repeat(64)}` })
    const [forms, whispers] = [workspace.of('views.open').length, workspace.of('chat.postEphemeral').length]
    await there.send(await workspace.press(by, tsOf(id), slackActions[wanted], value, workspace.fresh('trigger')))
    const expected = this.#barred(by) ?? this.model.asked(wanted, this.#who(this.#personAt(by) ?? by), which, this.#refused)
    const [whisper] = workspace.of('chat.postEphemeral').slice(whispers)
    if (whisper !== undefined) return [reasonIn(String(whisper.text)), expected ?? 'form']
    expect(workspace.of('views.open').length).toBe(forms + 1)
    const view = workspace.form
    if (view.submit === undefined) return [reasonIn(readable(view.blocks)), expected ?? 'form']
    this.forms.push({ view, what: wanted })
    return ['form', expected ?? 'form']
  }

  async #send(by: Name, form: Sequence['forms'][number] | undefined, which: 'right' | 'wrong'): Promise<[string, string]> {
    if (form === undefined) return ['', '']
    const held = JSON.parse(String(form.view.private_metadata)) as object
    const forged = JSON.stringify({ ...held, ...(which === 'right' ? {} : { planHash: `v1:${'0'.repeat(64)}` }) })
    this.#last = workspace.submit(by, '', { ...form.view, private_metadata: forged })
    const answer = (await (await there.send(this.#last)).json()) as { response_action: string; view: { blocks: unknown; submit?: unknown } }
    expect([answer.response_action, answer.view.submit]).toEqual(['update', undefined])
    const said = readable(answer.view.blocks)
    const expected = this.#barred(by) ?? this.model.decide(form.what, this.#who(this.#personAt(by) ?? by), which, this.#refused)
    return [reasonIn(said), expected === 'allowed' ? outcome(form.what, this.model.state) : expected]
  }

  async #onPage(by: Name, wanted: 'approve' | 'reject'): Promise<[string, string]> {
    const user = await getUser(site.db, idOf(by))
    if (user === undefined || this.disabled.has(by)) return ['', '']
    const request = { proposalId: this.#proposal.id, planHash: this.#proposal.planHash ?? '', reason: '', shownDigest: null }
    const decided = { approve, reject }[wanted](site.falconer.responses, { principal: userPrincipal(user), channel: 'web' }, request)
    return [await denied(decided), this.model.decide(wanted, this.#who(by), 'right')]
  }

  /** By the way people take; who is disabled is shown no code. */
  async #link(at: Name, person: Name): Promise<void> {
    const path = linkIn(await (await there.send(workspace.command(at, 'link'))).text())
    if (this.disabled.has(person)) return
    const principal = userPrincipal({ id: idOf(person), name: person, role: 'viewer' })
    const { code } = await slackLinkCode(site.falconer.auth, { principal, channel: 'web' }, path.slice('/slack/link/'.length))
    expect(await (await there.send(workspace.command(at, `link ${code}`))).text()).toContain('in Falconer now')
    for (const [other, who] of this.linked) if (who === person) this.linked.delete(other)
    this.linked.set(at, person)
  }
}

/** The same, and every action is approved on the page only. */
const impactful = (policy: Policy): Policy => ({
  ...policy,
  actions: Object.fromEntries(Object.entries(policy.actions).map(([action, its]) => [action, { ...its, impact: 'high' as const }])),
})
/** The message of its card. */
const tsOf = (proposal: string): string => `${BigInt(`0x${proposal.replaceAll('-', '').slice(0, 12)}`)}.${proposal.slice(-6)}`
/** What a person is told that came of it; never that something was done which was not. */
const outcome = (wanted: 'approve' | 'reject', state: string): string =>
  wanted === 'reject' && state === 'rejected'
    ? 'rejected'
    : wanted === 'approve' && state === 'pending'
      ? 'waits'
      : wanted === 'approve' && state === 'approved'
        ? 'runs'
        : `still ${state}`

const reasonsInWords: readonly (readonly [RegExp, string])[] = [
  [/Type \/falconer link/, 'unlinked'],
  [/needs the role/, 'entitlement'],
  [/wants somebody else to approve/, 'proposer'],
  [/on the page only/, 'page_only'],
  [/are switched off/, 'actions_off'],
  [/has expired\. Propose|this proposal expired at/, 'expired'],
  [/not the one (?:that this card showed|you were shown)/, 'plan_changed'],
  [/It needs another person too/, 'again'],
  [/^You rejected it/, 'rejected'],
  [/^You approved it\. It needs/, 'waits'],
  [/^You approved it; it runs now/, 'runs'],
  [/^It is \w+ already/, 'state'],
]
function reasonIn(text: string): string {
  const unchanged = /^Nothing has changed: it is (\w+) already/.exec(text)
  if (unchanged !== null) return `still ${unchanged[1]}`
  return reasonsInWords.find(([words]) => words.test(text))?.[1] ?? `says: ${text}`
}

async function begin(given: Setting, impact: 'normal' | 'high', roles: readonly Role[], runs: Runs): Promise<Sequence> {
  const { db, clock, falconer } = site
  await db.transaction(async (tx) => {
    for (const one of names) await deleteSlackLink(tx, account(one))
    for (const [at, one] of names.entries()) {
      await setUserDisabled(tx, idOf(one), null)
      await setUserRole(tx, idOf(one), roles[at] ?? 'viewer')
      await insertSlackLink(tx, account(one), idOf(one), clock.now())
    }
  })
  falconer.responses = runnerFor(falconer.responses, given, runs, impact)
  const principal =
    given.proposer === 'agent' ? agentPrincipal : userPrincipal({ id: idOf(given.proposer), name: given.proposer, role: 'responder' })
  const wanted = { action: 'kubernetes.isolate_pod', entityId, params: {}, reason: '', incidentId: null, investigationId: null }
  const { proposal, created } = await propose(falconer.responses, { principal, channel: 'web' }, wanted)
  expect(created).toBe(true)
  const planned = (await planProposal(falconer.responses, falconer.responses.executor, proposal.id)) as Proposal
  await saveSlackMessage(
    db,
    { kind: 'proposal', about: planned.id, channel: workspace.channel, ts: tsOf(planned.id), shown: '', data: {} },
    clock.now(),
  )
  return new Sequence(given, impact, new Map(names.map((one, at) => [one, roles[at] ?? 'viewer'])), planned)
}

it('guarantee 14: through Slack every sequence ends as the rules say, and each person is told what came of theirs', async ({ task }) => {
  const sizes = property(2_000, 300)
  await fc.assert(
    fc.asyncProperty(world, sequence, async ({ setting: given, impact, roles }, commands) => {
      const runs: Runs = { execute: 0, revert: 0 }
      const sequence = await begin(given, impact, roles, runs)
      for (const [index, one] of commands.entries()) {
        const [got, expected] = await sequence.perform(one)
        expect(got, `${index}: ${JSON.stringify(one)}`).toBe(expected)
        met.set(`${one.do} ${got}`, (met.get(`${one.do} ${got}`) ?? 0) + 1)
      }
      await sequence.ends(runs)
      // Nothing open is left in the way of the next sequence.
      site.clock.advance(61 * 60_000)
      await expireOverdue(site.falconer.responses)
      workspace.calls.length = 0
    }),
    { ...sizes, seed, endOnFailure: true },
  )
  Object.assign(task.meta, { cases: sizes.numRuns })
  // A proof in which nobody was refused, or nobody let in, would prove nothing.
  const pressed = ['form', 'unlinked', 'entitlement', 'page_only', 'actions_off', 'plan_changed', 'state']
  const sent = ['runs', 'rejected', 'unlinked', 'entitlement', 'proposer', 'plan_changed', 'page_only', 'state']
  const decided = ['runs', 'waits', 'rejected', 'expired', 'again', 'page_only', 'unlinked', 'entitlement']
  const everything = [
    ...pressed.map((one) => `press ${one}`),
    ...sent.map((one) => `send ${one}`),
    ...decided.map((one) => `decide ${one}`),
    'execute allowed',
    'execute entitlement',
    'execute state',
    'page allowed',
    'page state',
  ]
  expect(everything.filter((one) => !met.has(one))).toEqual([])
})
