/**
 * One examination: a scenario’s world, the incident its truth is about, an analyst’s report of it by the real path (case file, grounding, proposals under
 * the policy that ships), every grader’s word on it. Played twice: as it is, and with instructions planted.
 */
import { connectHands } from '../agent/hands.ts'
import { investigate } from '../agent/investigate.ts'
import { suggest } from '../agent/suggest.ts'
import { InvariantError } from '../domain/errors.ts'
import type { Incident } from '../domain/incident.ts'
import { agentPrincipal } from '../domain/principal.ts'
import type { Spend } from '../domain/spend.ts'
import { severityId } from '../domain/severity.ts'
import { HeldGraph } from '../graph/held.ts'
import { readCase } from '../incidents/read-case.ts'
import type { ResponseContext } from '../responses/context.ts'
import { loadPolicy } from '../responses/policy.ts'
import { listEntities } from '../store/entities.ts'
import { listIncidents } from '../store/incidents.ts'
import { listProposals } from '../store/proposals.ts'
import type { ExamAnalyst } from './exam-analyst.ts'
import { type Answer, type Exam, type Grade, isFact, nameOf } from './exam.ts'
import { alertField } from '../incidents/record-field.ts'
import { graders } from './graders/registry.generated.ts'
import { plant } from './plant.ts'
import type { Scenario } from './scenario.ts'
import { cluster, openWorld, type World } from './world.ts'

export type Result = {
  scenario: string
  grades: Record<string, Grade>
  verdict: string | null
  spend: Spend | null
  /** Why there is no report to grade. */ error: string | null
  /** From the case to the report. */ ms: number
}

const options = { cluster: (scope: string) => (scope === cluster ? { simulated: true } : null) }

/** Of each analyst one result, in their order; they sit in the same two worlds, one after the other. */
export async function examine(template: Blob, scenario: Scenario, analysts: readonly ExamAnalyst[]): Promise<Result[]> {
  const sitAll = async (world: World): Promise<Sat[]> => inOrder(analysts, (analyst) => sit(world, analyst))
  const planted = await inWorld(template, plant(scenario), sitAll)
  return inWorld(template, scenario, async (world) => {
    const plain = await sitAll(world)
    return inOrder(plain, async ({ exam, answer, error, ms }, index) => {
      const second = planted[index]?.answer ?? null
      const twice = answer === null || second === null ? null : { plain: answer, planted: second }
      return {
        scenario: scenario.name,
        grades: exam === null ? failures(error) : await graded({ ...exam, twice }),
        verdict: exam?.report.verdict ?? null,
        spend: exam?.report.spend ?? null,
        error,
        ms,
      }
    })
  })
}

async function inOrder<T, U>(all: readonly T[], work: (one: T, index: number) => Promise<U>): Promise<U[]> {
  const done: U[] = []
  for (const [index, one] of all.entries()) done.push(await work(one, index))
  return done
}

async function inWorld<T>(template: Blob, scenario: Scenario, work: (world: World) => Promise<T>): Promise<T> {
  const world = await openWorld(template, scenario)
  return work(world).finally(() => world.close())
}

async function graded(exam: Exam): Promise<Record<string, Grade>> {
  const all = await Promise.all(graders.map(async (one) => [one.name, await one.grade(exam)] as const))
  return Object.fromEntries(all)
}
const failures = (error: string | null): Record<string, Grade> =>
  Object.fromEntries(graders.map(({ name }) => [name, { pass: false, why: error ?? 'there is no report' }]))

type Sat = { exam: Omit<Exam, 'twice'> | null; answer: Answer | null; error: string | null; ms: number }

/** The analyst reads the case and reports; what it recommends is proposed. */
export async function sit(world: World, examined: ExamAnalyst): Promise<Sat> {
  const { db, clock, scenario } = world
  const names = new Map((await listEntities(db, { limit: 10_000 })).map((entity) => [entity.id.toString(), nameOf(entity)]))
  const incident = await incidentOf(world)
  const analyst = await examined.open({ world, names })
  const responses: ResponseContext = { db, clock, policy: loadPolicy(), actionsEnabled: false }
  const hands = () =>
    connectHands({
      context: { db, clock, graph: new HeldGraph(db), principal: agentPrincipal, channel: 'system', responses, pages: 'http://localhost' },
      choice: {},
      version: analyst.version,
      failed: (tool, error) => {
        throw new InvariantError(`The tool ${tool} failed: ${error instanceof Error ? error.message : String(error)}`)
      },
    })
  const started = performance.now()
  const { id, report, error } = await investigate(db, clock, analyst, incident.id, { ...options, hands })
  const ms = Math.round(performance.now() - started)
  if (report === null) return { exam: null, answer: null, error: error ?? 'there is no report', ms }
  await suggest(responses, report, { incidentId: incident.id, investigationId: id })
  const proposals = (await listProposals(db, { incidentId: incident.id }, 1_000)).filter(({ investigationId }) => investigationId === id)
  const acts = report.actions.flatMap(({ action, entityId, blocked }) =>
    blocked === null ? [`${action} ${names.get(entityId ?? '')}`] : [],
  )
  return {
    exam: { db, truth: scenario.truth, incident, report, proposals, names },
    answer: { verdict: report.verdict, severity: report.severity, actions: acts },
    error: null,
    ms,
  }
}

/** The one that holds most of what decides; among equals the most severe, then the largest. */
async function incidentOf({ db, clock, scenario: { name, truth } }: World): Promise<Incident> {
  const { incidents } = await listIncidents(db, {}, { limit: 200 })
  const facts = truth.decisive.filter(({ record }) => record === 'alert')
  const rated = await Promise.all(
    incidents.map(async (incident) => {
      const { alerts } = await readCase(db, clock.now(), incident.id, options)
      const held = facts.filter((fact) =>
        alerts.some(({ alert }) =>
          isFact(fact, { record: 'alert', id: alert.id, path: fact.path ?? null, value: alertField(alert, fact.path ?? '') }),
        ),
      )
      return { incident, held: held.length, grave: severityId(incident.severity), alerts: alerts.length }
    }),
  )
  const [best] = rated.sort((a, b) => b.held - a.held || b.grave - a.grave || b.alerts - a.alerts)
  if (best === undefined) throw new InvariantError(`The scenario ${name} makes no incident.`)
  return best.incident
}
