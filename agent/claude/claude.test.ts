/** An investigation by a model, from the case file to a grounded report: what it is sent, what it may ask, what becomes of what it says. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type IncidentAnswer, reportText } from '../../apps/cli/report-text.ts'
import { shortId } from '../../domain/ids.ts'
import { nothingCompared, standingOf } from '../../domain/report.ts'
import { getAlerts } from '../../store/alerts.ts'
import { stepsOf } from '../../store/analyst-steps.ts'
import { membershipsOf } from '../../store/memberships.ts'
import { sql } from 'kysely'
import { bare, caseIn, emptyReport, investigator, readIn } from '../../test/support/analyst-site.ts'
import { type Asked, inTurn, replies, type Script } from '../../test/support/messages-api.ts'
import { openSite, type Site } from '../../test/support/site.ts'
import { recordStory } from '../../test/support/story.ts'
import { callTool, toolContext } from '../../test/support/tool-call.ts'
import { getIncidentTool } from '../../tools/catalog/get-incident.ts'
import { tools } from '../../tools/catalog/registry.generated.ts'
import { incidentResource } from '../../tools/resources/incident.ts'
import type { SaidReport } from './schema.ts'

let site: Site
let incidentId: string
beforeAll(async () => {
  site = await openSite()
  incidentId = (await recordStory(site.db, site.clock, 'lab')).id
}, 120_000)
afterAll(() => site.close())
beforeEach(async () => {
  site.clock.advance(60_000)
  // Each begins with the whole case.
  await site.db.query(sql`delete from investigations`)
})

const claim = (text: string, cites: string[], kind: 'observation' | 'absence' | 'causal' | 'inference' = 'observation') => ({
  text,
  kind,
  cites,
})
/** A report that is true of the case it was given. */
function trueReport(asked: Asked): SaidReport {
  const file = caseIn(asked)
  const [first, second] = file.alerts
  const pod = file.places.find(({ kind }) => kind === 'pod')
  const incident = file.incident as { id: string; alerts: number }
  return {
    ...emptyReport,
    verdict: 'true_positive',
    confidence: 'high',
    severity: 'critical',
    summary: [
      claim(`${incident.alerts} alerts came from ⟦${bare(pod?.name)}⟧.`, [`incident:${incident.id}`, `entity:${pod?.entity}`]),
      claim(`At \`${(first?.at ?? '').slice(11, 19)}\` rule ⟦${bare(first?.rule)}⟧ fired.`, [`alert:${first?.id}`]),
    ],
    rootCause: [claim(`⟦${bare(first?.rule)}⟧ led to the other.`, [`alert:${first?.id}`, `alert:${second?.id}`], 'causal')],
    unknowns: ['What went on outside of the cluster.'],
    techniques: ['t1059', 'T1059.004', 'nonsense'],
    actions: [{ action: 'kubernetes.isolate_pod', entity: `entity:${pod?.entity}`, replicas: null, reason: 'It is entered.' }],
  }
}
const reporting: Script = (asked) => replies.structured(trueReport(asked))
const lastOf = async (): Promise<{ thread_id: string }[]> =>
  site.db.query(sql<{ thread_id: string }>`select thread_id from checkpoints limit 1`)

describe('an investigation by a model', () => {
  it('ends in a grounded report that says who wrote it, with what, and what it took', async () => {
    const claude = await investigator(
      site.falconer,
      inTurn(replies.tools([{ name: 'get_coverage', input: {} }], 'Who was watching?'), reporting),
    )
    const { status, report, id } = await claude.investigate(incidentId)
    expect(status).toBe('done')
    expect(report).toMatchObject({ analyst: 'claude', verdict: 'true_positive', severity: 'critical', ungrounded: 0, partial: null })
    expect(report?.model).toMatch(/^anthropic\/claude-/)
    expect(report?.prompt).toMatchObject({ name: 'analyst/investigate', version: expect.stringMatching(/^[0-9a-f]{12}$/) as string })
    expect(report?.spend).toMatchObject({ calls: 2 })
    expect(report?.techniques.map((one) => one.id)).toEqual(['T1059', 'T1059.004'])
    expect(report?.actions).toMatchObject([{ action: 'kubernetes.isolate_pod', blocked: null }])
    expect(report?.summary[0]?.evidence.map(({ record, path }) => `${record} ${path}`)).toEqual(
      expect.arrayContaining(['incident alertCount', 'entity pod']),
    )
    const steps = await stepsOf(site.db, id)
    expect(steps.map(({ kind, tool }) => [kind, tool])).toEqual([
      ['began', null],
      ['said', null],
      ['asked', 'get_coverage'],
      ['answered', 'get_coverage'],
      ['drafted', null],
      ['done', null],
    ])
    expect(await lastOf()).toEqual([])
  })

  it('is given the case file, tools that read, and one form of answer', async () => {
    const claude = await investigator(site.falconer, reporting)
    await claude.investigate(incidentId)
    const [asked] = claude.api.asked
    const text = readIn(asked as Asked)
    expect(caseIn(asked as Asked).alerts.length).toBeGreaterThan(3)
    expect(Buffer.byteLength(JSON.stringify(asked?.body.messages))).toBeLessThan(30_000)
    expect(text).toContain('Text between ⟪ and ⟫ was written by workloads')
    const readable = tools.filter(({ access, listed }) => access === 'read' && listed).map(({ name }) => name)
    expect(asked?.body.tools?.map(({ name }) => name).toSorted()).toEqual(readable.toSorted())
    const schema = JSON.stringify(asked?.body.output_config?.format?.schema)
    expect(asked?.body.output_config?.format?.type).toBe('json_schema')
    for (const keyword of ['minLength', 'maxLength', 'minItems', 'maxItems', 'minimum', 'maximum', 'pattern', '$ref', 'default'])
      expect(schema).not.toContain(`"${keyword}"`)
  })

  it('sends the same bytes before what is new, marked for the provider to keep', async () => {
    const look = (n: number) => replies.tools([{ name: 'list_alerts', input: { limit: n } }])
    const claude = await investigator(site.falconer, inTurn(look(1), look(2), look(3), reporting))
    expect((await claude.investigate(incidentId)).report?.spend?.calls).toBe(4)
    const bodies = claude.api.asked.map(({ body }) => body)
    const head = ({ system, tools: all, output_config, messages }: (typeof bodies)[number]) =>
      JSON.stringify([system, all, output_config, messages[0]])
    expect(new Set(bodies.map(head)).size).toBe(1)
    for (const body of bodies) {
      expect(JSON.stringify(body.system)).toContain('"cache_control":{"type":"ephemeral"}')
      expect(JSON.stringify(body.messages[0])).toContain('"cache_control":{"type":"ephemeral"}')
      expect(body.cache_control).toEqual({ type: 'ephemeral' })
    }
    for (const [at, body] of bodies.entries())
      expect(JSON.stringify(body.messages).startsWith(JSON.stringify(bodies[at - 1]?.messages ?? []).slice(0, -1))).toBe(true)
  })

  it('gets what tools refuse told, and cannot ask what it was not given', async () => {
    const claude = await investigator(
      site.falconer,
      inTurn(
        replies.tools([
          { name: 'get_alert', input: { alert: 'no such' } },
          { name: 'propose_action', input: { action: 'kubernetes.delete_pod', entity: '1', reason: 'x' } },
          { name: 'set_verdict', input: {} },
          { name: 'list_alerts', input: { limit: 'many' } },
        ]),
        reporting,
      ),
    )
    const { report, id } = await claude.investigate(incidentId)
    expect(report).toMatchObject({ analyst: 'claude', partial: null })
    const steps = await stepsOf(site.db, id)
    expect(
      steps
        .filter(({ kind }) => kind === 'refused')
        .map(({ tool }) => tool)
        .toSorted(),
    ).toEqual(['get_alert', 'list_alerts', 'propose_action', 'set_verdict'])
    expect(await site.db.query(sql`select 1 from proposals`)).toEqual([])
  })

  it('is told that its last turn has come, and reports', async () => {
    const claude = await investigator(
      site.falconer,
      (asked) =>
        readIn(asked).includes('This is your last turn') ? reporting(asked) : replies.tools([{ name: 'get_coverage', input: {} }]),
      { turns: { investigate: 4, mend: 1 } },
    )
    const { report } = await claude.investigate(incidentId)
    expect(report).toMatchObject({ analyst: 'claude', partial: null, spend: { calls: 4 } })
    expect(claude.api.asked.at(-1)?.body.tool_choice).toEqual({ type: 'none' })
  })

  it('speaks to any endpoint of chat completions', async () => {
    const claude = await investigator(
      site.falconer,
      inTurn(replies.tools([{ name: 'get_coverage', input: {} }]), reporting),
      {},
      (url) => ({ FALCONER_MODEL_URL: `${url}/v1`, FALCONER_MODEL: 'llama3.3' }),
    )
    const { report } = await claude.investigate(incidentId)
    expect(report).toMatchObject({ analyst: 'claude', model: 'openai/llama3.3', ungrounded: 0, partial: null })
    expect(JSON.stringify(claude.api.asked[0]?.body)).not.toContain('cache_control')
  })
})

describe('claims in doubt', () => {
  const doubtful = (asked: Asked): SaidReport => {
    const report = trueReport(asked)
    const [alert] = caseIn(asked).alerts
    return {
      ...report,
      reasons: [
        claim('A shell was tied to ⟦198.51.100.77⟧.', [`alert:${alert?.id}`]),
        claim(`Rule ⟦${bare(alert?.rule)}⟧ fired.`, [`alert:${alert?.id}`]),
        claim('There were 99999 alerts.', [`alert:${alert?.id}`]),
      ],
    }
  }

  it('are mended once, each by the sentence in its place', async () => {
    const claude = await investigator(
      site.falconer,
      inTurn(
        (asked) => replies.structured(doubtful(asked)),
        (asked) =>
          replies.structured({
            ...emptyReport,
            reasons: [
              claim(`Rule ⟦${bare(caseIn(asked).alerts[0]?.rule)}⟧ it was.`, [`alert:${caseIn(asked).alerts[0]?.id}`]),
              claim('', []),
            ],
          }),
      ),
    )
    const { report, id } = await claude.investigate(incidentId)
    expect(report).toMatchObject({ ungrounded: 0, partial: null, spend: { calls: 2 } })
    expect(report?.reasons.map(({ text }) => text)).toEqual([expect.stringMatching(/ it was\.$/), expect.stringMatching(/ fired\.$/)])
    expect((await stepsOf(site.db, id)).map(({ kind }) => kind)).toEqual(['began', 'drafted', 'mended', 'done'])
    const mending = readIn(claude.api.asked[1] as Asked)
    expect(mending).toContain('- reasons 1: ⟪A shell was tied to')
    expect(mending).toContain('no cited record holds')
    expect(mending).toContain('- reasons 2: ⟪There were')
  })

  it('stay hypotheses when mending does not help, or fails', async () => {
    const noBetter = (asked: Asked): SaidReport => ({ ...emptyReport, reasons: doubtful(asked).reasons.filter((_one, at) => at !== 1) })
    for (const second of [
      (asked: Asked) => replies.structured(noBetter(asked)),
      () => replies.refusal(),
      () => replies.status(400),
    ] as Script[]) {
      const claude = await investigator(
        site.falconer,
        inTurn((asked) => replies.structured(doubtful(asked)), second),
      )
      const { report, status } = await claude.investigate(incidentId)
      expect(status).toBe('done')
      expect(report).toMatchObject({ analyst: 'claude', ungrounded: 2, partial: null })
      expect(report?.spend?.calls).toBe(2)
      expect(report?.reasons.filter(({ grounded }) => !grounded)).toHaveLength(2)
      await site.db.query(sql`delete from investigations`)
    }
  })
})

describe('conclusions', () => {
  const lies = ['The attacker was an insider from the finance team.', 'This is a targeted campaign.']
  const lying: Script = (asked) => {
    const [alert] = caseIn(asked).alerts
    const told = `Rule ⟦${bare(alert?.rule)}⟧ shows an intruder.`
    // Beside a sentence that holds, and by themselves.
    const reasons = [claim([...lies, told].join(' '), [`alert:${alert?.id}`], 'inference')]
    return replies.structured({
      ...trueReport(asked),
      reasons,
      unusual: [claim('Then ⟦198.51.100.77⟧ was called.', [`alert:${alert?.id}`])],
    })
  }

  it('that quote nothing are judgements, told apart from facts and hypotheses wherever a report is read', async () => {
    const claude = await investigator(site.falconer, lying)
    const { report } = await claude.investigate(incidentId)
    expect(report).toMatchObject({ analyst: 'claude', ungrounded: 3 })
    expect(report?.reasons.map((one) => [one.text.slice(0, 4), standingOf(one)])).toEqual([
      ['The ', 'judgement'],
      ['This', 'judgement'],
      ['Rule', 'confirmed'],
    ])
    const mending = readIn(claude.api.asked[1] as Asked)
    expect(mending).toContain(`- reasons 2: ⟪This is a targeted campaign.⟫ — ${nothingCompared}`)

    const as = site.people.viewer
    const page = await (await site.ask(`/incidents/${incidentId}`, { as })).text()
    expect(page).toMatch(/finance team\. <span class="badge judgement" title="it tells no value[^"]*">judgement<\/span>/)
    expect(page).toMatch(/class="badge hypothesis"/)
    expect(page).toMatch(
      /3 of \d+ sentences could not be confirmed: 2 marked as judgement \(nothing was compared\), 1 marked as hypothesis/,
    )
    const { investigation } = (await (
      await site.ask(`/api/v1/incidents/${incidentId}`, { as: { token: as.token } })
    ).json()) as IncidentAnswer
    expect(reportText(investigation)).toContain('This is a targeted campaign.  [judgement]')
    const context = await toolContext(site)
    const { output } = await callTool(getIncidentTool, context, { incident: incidentId, detail: 'full' })
    const standings = (output as { claims: { text: string; standing: string }[] }).claims.filter(({ text }) => text.includes('targeted'))
    expect(standings.map(({ standing }) => standing)).toEqual(['judgement'])
    const read = incidentResource.output.parse(await incidentResource.read(incidentId, context))
    expect(incidentResource.markdown(read)).toContain('**Judgement**: ')
  })
})

describe('records of elsewhere', () => {
  const ownAlerts = async () => (await membershipsOf(site.db, { incidentId })).map(({ alertId }) => alertId)
  it('are told as of there, or are hypotheses, though places are called the same', async () => {
    const other = await recordStory(site.db, site.clock, 'prod-2')
    const theirs = (await membershipsOf(site.db, { incidentId: other.id })).map(({ alertId }) => alertId)
    const alert = (await getAlerts(site.db, theirs)).find(({ pod }) => pod !== null)
    const cites = [`alert:${alert?.id}`, `incident:${other.id}`]
    const place = `${alert?.pod?.namespace}/${alert?.pod?.name}`
    expect(await getAlerts(site.db, await ownAlerts())).toContainEqual(expect.objectContaining({ scope: 'lab', pod: alert?.pod }))
    const claude = await investigator(site.falconer, () => {
      const summary = [
        claim(`Pod ${place} was entered.`, cites),
        claim(`In cluster prod-2 pod ${place} was entered.`, cites),
        claim(`In cluster prod-2, in ${shortId('incident', other.id)}, pod ${place} was entered too.`, cites),
      ]
      return replies.structured({ ...emptyReport, summary })
    })
    const { report } = await claude.investigate(incidentId)
    const [cluster, incident] = [
      'it cites a record of another cluster or account without naming that',
      'it cites an alert of another incident without naming that',
    ]
    expect(report?.summary.map(({ problems }) => problems)).toEqual([[cluster, incident], [incident], []])
  })
})

describe('an incident that was reported on before', () => {
  it('is looked at from that report on, with what is new and no more', async () => {
    const claude = await investigator(site.falconer, reporting)
    const { report: before } = await claude.investigate(incidentId)
    expect(before).toMatchObject({ analyst: 'claude', partial: null })
    site.clock.advance(60_000)
    const again = await investigator(site.falconer, (asked) =>
      replies.structured({ ...emptyReport, verdict: 'true_positive', summary: keptIn(asked) }),
    )
    const { report } = await again.investigate(incidentId)
    const [asked] = again.api.asked
    const file = caseIn(asked as Asked)
    expect(file.newAlerts).toEqual([])
    expect(file.alerts).toBeUndefined()
    expect(readIn(asked as Asked).length).toBeLessThan(readIn(claude.api.asked[0] as Asked).length)
    expect(report?.summary.length).toBeGreaterThan(1)
    expect(report).toMatchObject({ ungrounded: 0, partial: null })
  })
  const keptIn = (asked: Asked) =>
    (caseIn(asked).before as { claims: { part: string; text: string; kind: 'observation'; cites: string[] }[] }).claims
      .filter(({ part }) => part === 'summary')
      .map(({ text, kind, cites }) => claim(bare(text), cites.map(bare), kind))
})
