/**
 * The tools that ask: what they write is a request or a note, however they are asked. Nothing they do approves, closes, lowers, or names a target that
 * inventory did not record (guarantees 2 to 5).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DeniedError, InputError } from '../domain/errors.ts'
import { Verdict } from '../domain/report.ts'
import { decisionsOf } from '../store/decisions.ts'
import { nodesNamed } from '../store/graph-nodes.ts'
import { findIncident } from '../store/find.ts'
import { listProposals } from '../store/proposals.ts'
import { alertOfShop } from '../test/support/shop-alert.ts'
import { clusterState } from '../test/support/shop.ts'
import { openSite, type Site } from '../test/support/site.ts'
import { type Answer, callTool, toolContext } from '../test/support/tool-call.ts'
import { addNoteTool } from './catalog/add-note.ts'
import { getProposalTool } from './catalog/get-proposal.ts'
import { listIncidentsTool } from './catalog/list-incidents.ts'
import { listResponseActionsTool } from './catalog/list-response-actions.ts'
import { proposeActionTool } from './catalog/propose-action.ts'
import { setVerdictTool } from './catalog/set-verdict.ts'
import { chosenTools } from './server.ts'
import type { Tool } from './tool.ts'

const asking = [proposeActionTool, addNoteTool, setVerdictTool]

describe('respond tools', () => {
  let site: Site
  let incident: string
  let pod: string
  beforeAll(async () => {
    site = await openSite({ now: '2026-11-23T12:00:00Z', shop: true })
    await site.ingest(JSON.stringify(alertOfShop()))
    await site.settle()
    incident = (await call(listIncidentsTool)).output.incidents[0].id
    pod = String((await nodesNamed(site.db, 'pod/shop/checkout-7d9f-bbbbb', { limit: 1 }))[0]?.id)
  })
  afterAll(async () => site.close())
  const call = async (tool: Tool, input: Record<string, unknown> = {}): Promise<Answer> =>
    callTool(tool, await toolContext(site, site.people.investigator), input)
  const logs = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
    action: 'kubernetes.collect_logs',
    entity: pod,
    reason: 'Its neighbour opened a shell',
    incident,
    ...over,
  })

  it('tell the catalogue with what the policy says', async () => {
    const { output, bytes } = await call(listResponseActionsTool)
    expect(bytes).toBeLessThan(6_000)
    expect(output.actions.find(({ name }: { name: string }) => name === 'kubernetes.scale_workload')).toMatchObject({
      impact: 'destructive',
      targets: ['workload'],
      params: { required: ['replicas'], additionalProperties: false },
      allowed: { approvals: 1, approvers: 'responder', proposerMayApprove: false, limits: { replicas: { max: 50 } } },
    })
    expect(output).toMatchObject({ runsOn: 'simulated clusters only', protectedNamespaces: expect.arrayContaining(['kube-system']) })
    expect((await call(listResponseActionsTool, { target: 'node' })).output.actions.map(({ name }: { name: string }) => name)).toContain(
      'kubernetes.cordon_node',
    )
  })

  it('propose once, by the caller, and change nothing', async () => {
    const before = clusterState((site.shop as NonNullable<Site['shop']>).cluster)
    const told: string[] = []
    const context = { ...(await toolContext(site, site.people.investigator)), changed: (kind: string) => void told.push(kind) }
    const first = await callTool(proposeActionTool, context, logs())
    expect(first.output).toMatchObject({
      created: true,
      proposal: {
        state: 'requested',
        target: '⟪pod shop/checkout-7d9f-bbbbb⟫',
        page: `http://localhost/proposals/${first.output.proposal.id}`,
      },
    })
    expect(told).toEqual(['proposals'])
    expect((await call(proposeActionTool, logs())).output).toMatchObject({ created: false, proposal: { id: first.output.proposal.id } })
    await site.settle()
    const { output, bytes } = await call(getProposalTool, { proposal: first.output.proposal.short })
    expect(bytes).toBeLessThan(6_000)
    expect(output).toMatchObject({
      proposal: { state: 'pending' },
      incident,
      proposedBy: expect.stringContaining('token Somebody investigator (token script)'),
      plan: { summary: expect.any(String), requests: expect.any(Array), simulated: true },
      approvals: { needed: 1, given: 0 },
      decided: [],
      result: null,
    })
    const [stored] = await listProposals(site.db, { states: ['pending'] }, 1)
    expect(stored?.proposedBy).toMatchObject({ kind: 'token', personId: site.people.investigator.id })
    expect((await call(getProposalTool, { proposal: first.output.proposal.id, detail: 'full' })).output.plan).toHaveProperty('diff')
    expect(clusterState((site.shop as NonNullable<Site['shop']>).cluster)).toEqual(before)
    await expect(call(getProposalTool, { proposal: 'prp-0000000000' })).rejects.toThrow(/no proposal/)
  })

  it('refuse what may not be, say why, and write nothing', async () => {
    const many = async (): Promise<number> => (await listProposals(site.db, {}, 200)).length
    const before = await many()
    const id = async (name: string): Promise<string> => String((await nodesNamed(site.db, name, { limit: 1 }))[0]?.id)
    await expect(call(proposeActionTool, logs({ action: 'kubernetes.run_anything' }))).rejects.toThrow(/There are: kubernetes\./)
    await expect(call(proposeActionTool, logs({ entity: 'pod/shop/checkout-7d9f-bbbbb' }))).rejects.toThrow(/take it from get_entity/)
    await expect(call(proposeActionTool, logs({ entity: '999999' }))).rejects.toThrow(/not an inventory record/)
    await expect(call(proposeActionTool, logs({ reason: '   ' }))).rejects.toThrow()
    await expect(call(proposeActionTool, logs({ action: 'kubernetes.cordon_node' }))).rejects.toThrow(/acts on a node/)
    const scale = { action: 'kubernetes.scale_workload', entity: await id('deployment/shop/checkout') }
    await expect(call(proposeActionTool, logs({ ...scale, params: { replicas: 0, also: 'rm' } }))).rejects.toThrow(
      /not right.*list_response_actions/,
    )
    await expect(call(proposeActionTool, logs({ ...scale, params: { replicas: 51 } }))).rejects.toThrow(DeniedError)
    await expect(call(proposeActionTool, logs({ entity: await id('pod/kube-system/kube-proxy-x') }))).rejects.toThrow(/protected by policy/)
    await expect(call(proposeActionTool, logs({ entity: await id('namespace/shop') }))).rejects.toThrow(InputError)
    expect(await many()).toBe(before)
  })

  it('refuse more than agents may propose in an hour, whatever token they have', async () => {
    const context = await toolContext(site, site.people.investigator)
    const policy = { ...context.responses.policy, agentProposalsPerHour: 1 }
    const another = { ...logs(), entity: String((await nodesNamed(site.db, 'pod/shop/checkout-7d9f-aaaaa', { limit: 1 }))[0]?.id) }
    await expect(callTool(proposeActionTool, { ...context, responses: { ...context.responses, policy } }, another)).rejects.toThrow(
      /within the hour/,
    )
  })

  it('write a note once, under the name of whoever wrote it', async () => {
    const note = { incident, text: 'Checked the parent: CI runner.' }
    expect((await call(addNoteTool, note)).output).toMatchObject({
      incident,
      created: true,
      page: `http://localhost/incidents/${incident}`,
    })
    expect((await call(addNoteTool, note)).output).toMatchObject({ created: false })
    const notes = (await decisionsOf(site.db, incident)).filter(({ decision }) => decision.kind === 'note')
    expect(notes).toMatchObject([
      { principalId: site.people.investigator.id, reason: 'Written with a tool, by Somebody investigator (token script)' },
    ])
    const page = await (await site.ask(`/incidents/${incident}`, { as: site.people.viewer })).text()
    expect(page).toContain('Written with a tool, by Somebody investigator')
  })

  it('write a note once, also when it is asked for several times at once', async () => {
    const made = await Promise.all([1, 2, 3, 4].map(async () => call(addNoteTool, { incident, text: 'Said once.' })))
    expect(made.filter(({ output }) => output.created === true)).toHaveLength(1)
    const notes = (await decisionsOf(site.db, incident)).filter(
      ({ decision }) => decision.kind === 'note' && decision.text === 'Said once.',
    )
    expect(notes).toHaveLength(1)
  })

  it('suggest a verdict that closes nothing and lowers nothing, whichever it is', async () => {
    const before = await findIncident(site.db, incident)
    expect(before).toMatchObject({ severity: 'critical', state: 'open' })
    for (const verdict of Verdict.options) {
      const { output } = await call(setVerdictTool, { incident, verdict, reason: 'The log says that this is harmless; close it.' })
      expect(output).toMatchObject({ suggested: verdict, created: true, state: 'open', severity: 'critical' })
    }
    await site.settle()
    const { state, severity, severityFloor } = await findIncident(site.db, incident)
    expect({ state, severity, severityFloor }).toEqual({
      state: before.state,
      severity: before.severity,
      severityFloor: before.severityFloor,
    })
    const decisions = (await decisionsOf(site.db, incident)).map(({ decision }) => decision)
    expect(new Set(decisions.map(({ kind }) => kind))).toEqual(new Set(['note']))
    expect(decisions.at(-1)).toMatchObject({
      text: expect.stringMatching(
        /^Suggested verdict: .* Suggested by Somebody investigator \(token script\) with a tool; nobody has decided it/,
      ),
    })
  })

  it('are not there for whoever may not, nor for whoever only reads', async () => {
    const { principal } = await toolContext(site, site.people.viewer)
    const { principal: may } = await toolContext(site, site.people.investigator)
    const names = (of: typeof principal, readOnly: boolean): string[] =>
      chosenTools(of, { toolsets: ['respond'], readOnly }, [...asking, getProposalTool, listResponseActionsTool]).map(({ name }) => name)
    expect(names(principal, false)).toEqual(['get_proposal', 'list_response_actions'])
    expect(names(may, true)).toEqual(['get_proposal', 'list_response_actions'])
    expect(names(may, false)).toHaveLength(5)
  })
})
