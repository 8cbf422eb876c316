/** Operations on investigations: have one done, read one, follow its steps; and what models cost. */
import { z } from 'zod'
import { AnalystStep } from '../../../domain/analyst-step.ts'
import { InputError } from '../../../domain/errors.ts'
import { stepsOf } from '../../../store/analyst-steps.ts'
import { findIncident } from '../../../store/find.ts'
import { monthAt, monthOf, spendIn, spentOnEach } from '../../../store/spend.ts'
import { askNow, findInvestigation, monthCap } from '../asking.ts'
import { operation } from './operation.ts'
import { date } from './views/fields.ts'
import { InvestigationBrief, investigationBrief, InvestigationView, investigationView } from './views/incident.ts'

const Step = AnalystStep.extend({ at: date })
const Spent = z.object({
  calls: z.number(),
  inputTokens: z.number().describe('Neither read from a cache nor written to one'),
  cacheReadTokens: z.number(),
  cacheWriteTokens: z.number(),
  outputTokens: z.number(),
  usd: z.number().describe('As far as prices are known'),
  unpriced: z.number().describe('Calls of models whose prices are not known; not in usd'),
  ms: z.number(),
})

export const investigationOperations = [
  operation({
    id: 'investigateIncident',
    method: 'POST',
    path: '/incidents/:incident/investigate',
    permission: 'investigations.run',
    summary: 'Investigate now, whatever the incident’s severity: by the playbook, at once; or by a model, whose steps can be followed',
    body: z.object({ analyst: z.enum(['playbook', 'claude']).default('playbook') }).default({ analyst: 'playbook' }),
    response: InvestigationView,
    run: async ({ falconer, params, who, body }) => {
      const { id } = await findIncident(falconer.db, params.incident ?? '')
      if (body.analyst === 'claude') return investigationView(await askNow(falconer, id, who))
      return investigationView(await falconer.investigateNow(id, who.principal.name))
    },
  }),
  operation({
    id: 'getInvestigation',
    method: 'GET',
    path: '/investigations/:investigation',
    permission: 'incidents.read',
    summary: 'One investigation with its report',
    response: InvestigationView,
    run: async ({ falconer, params }) => investigationView(await findInvestigation(falconer, params.investigation ?? '')),
  }),
  operation({
    id: 'listInvestigationSteps',
    method: 'GET',
    path: '/investigations/:investigation/steps',
    permission: 'incidents.read',
    summary: 'What its analyst did, step by step, after the step that was last read; ask again while it runs',
    query: z.object({ after: z.coerce.number().int().min(0).default(0), limit: z.coerce.number().int().min(1).max(500).default(500) }),
    response: z.object({ investigation: InvestigationBrief, steps: z.array(Step) }),
    run: async ({ falconer, params, query }) => {
      const { db } = falconer
      const investigation = await findInvestigation(falconer, params.investigation ?? '')
      // Read after it: of one that is done, no step is missing.
      const steps = await stepsOf(db, investigation.id, query)
      const spent = await spentOnEach(db, [investigation.id])
      return { investigation: investigationBrief(investigation, spent.get(investigation.id)), steps }
    },
  }),
  operation({
    id: 'getSpend',
    method: 'GET',
    path: '/spend',
    permission: 'incidents.read',
    summary: 'What models cost in a month, by use and model and by investigation, and the cap',
    query: z.object({
      month: z.string().optional().describe('As 2026-11; default: this one, in UTC'),
      limit: z.coerce.number().int().min(1).max(500).default(20),
    }),
    response: z.object({
      month: z.string(),
      capUsd: z.number(),
      reached: z.boolean().describe('The cap of the month that is now: no model is asked'),
      model: z.object({ asked: z.boolean(), why: z.string().nullable().describe('Why none is asked') }),
      total: Spent,
      uses: z.array(Spent.extend({ use: z.string(), provider: z.string(), model: z.string(), failed: z.number() })),
      investigations: z.array(Spent.extend({ id: z.string(), incidentId: z.string(), title: z.string(), startedAt: date })),
    }),
    run: async ({ falconer, query }) => {
      const month = query.month === undefined ? monthAt(falconer.clock.now()) : monthOf(query.month)
      if (month === undefined) throw new InputError(`${query.month} is not a month, as 2026-11.`)
      const { capUsd, reached } = await monthCap(falconer)
      const { why } = falconer.asking
      return { month: month.name, capUsd, reached, model: { asked: why === null, why }, ...(await spendIn(falconer.db, month, query)) }
    },
  }),
]
