import { z } from 'zod'
import type { Incident } from '../../domain/incident.ts'
import { shortId } from '../../domain/ids.ts'
import { type Proposal, ProposalState } from '../../domain/proposal.ts'
import { readCase } from '../../incidents/read-case.ts'
import { watchedBy } from '../../store/alert-coverage.ts'
import type { Database, Queryable } from '../../store/database.ts'
import { decisionsOf } from '../../store/decisions.ts'
import { getEntities } from '../../store/entities.ts'
import { groupsOf, type Place, placesOf } from '../../store/groups.ts'
import { type Investigation, latestReports } from '../../store/investigations.ts'
import { listProposals } from '../../store/proposals.ts'
import { fitting } from '../page.ts'
import { Quoted, quote } from '../quoted.ts'
import { tool } from '../tool.ts'
import { causeTitle } from '../views/case-posture.ts'
import { IncidentMeant, incidentMeant } from '../views/find-incident.ts'
import { Detail } from '../views/given.ts'
import {
  DecisionRow,
  decisionRow,
  IncidentHead,
  incidentHead,
  PlaceRow,
  placeRow,
  ReportClaim,
  reportClaims,
  ReportHead,
  RuleCount,
  ruleCount,
  saidIn,
} from '../views/incident.ts'

const mostPlaces = 8
/** Bytes: of ordinary text all of it fits; nobody makes a glance long by what they write. */
const share = { summary: 1_300, causes: 800, rules: 900, places: 600, proposals: 900, decisions: 400 }

const ProposalRow = z.object({ id: z.string(), action: z.string(), target: Quoted, state: ProposalState, page: z.string() })
const proposalRow = ({ id, action, target, state }: Proposal, pages: string): z.input<typeof ProposalRow> => ({
  id: shortId('proposal', id),
  action,
  target: quote(`${target.kind} ${target.namespace === null ? '' : `${target.namespace}/`}${target.name}`, 160),
  state,
  page: `${pages}/proposals/${id}`,
})

/** One incident at a glance, and what has been concluded and proposed. */
export const getIncidentTool = tool({
  name: 'get_incident',
  toolset: 'incidents',
  title: 'Get an incident',
  description:
    'One incident at a glance: why it is this severe, what its newest report concluded and who wrote it, where it happened, likely root causes, proposals and their state. `detail: "full"` adds every claim of the report with its evidence. To investigate yourself use get_case_file; for the order of events get_timeline. Example: {"incident":"inc-1f9c04be2a"}',
  input: z.object({ incident: IncidentMeant, detail: Detail }),
  output: z.object({
    incident: IncidentHead,
    report: ReportHead.nullable().describe('Null: nobody has investigated it yet'),
    rootCauses: z.array(Quoted).describe('The likeliest first'),
    rules: z.array(RuleCount),
    moreRules: z.number().int(),
    places: z.array(PlaceRow),
    morePlaces: z.number().int(),
    proposals: z.array(ProposalRow).describe('The newest first'),
    moreProposals: z.number().int(),
    decisions: z.array(DecisionRow).describe('Of people, the newest first'),
    claims: z.array(ReportClaim).optional(),
    page: z.string(),
    freshness: z.string(),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ incident: given, detail }, { db, clock, pages, ask }) => {
    const incident = await incidentMeant({ db, ask }, given)
    const newest = (await latestReports(db, [incident.id])).get(incident.id)
    const groups = (await groupsOf(db, [incident.id])).get(incident.id) ?? []
    const rules = fitting(groups.toSorted((a, b) => b.count - a.count).map(ruleCount), share.rules)
    const places = await placesShown(db, (await placesOf(db, [incident.id])).get(incident.id) ?? [])
    const proposed = await listProposals(db, { incidentId: incident.id }, 100)
    const proposals = fitting(
      proposed.map((one) => proposalRow(one, pages)),
      share.proposals,
    )
    return {
      incident: incidentHead(incident),
      report: reportHead(incident, newest),
      rootCauses: fitting(await causes(db, clock.now(), incident, newest), share.causes),
      rules,
      moreRules: groups.length - rules.length,
      ...places,
      proposals,
      moreProposals: proposed.length - proposals.length,
      decisions: fitting((await decisionsOf(db, incident.id)).toReversed().map(decisionRow), share.decisions),
      ...(detail === 'full' && newest?.report != null ? { claims: fitting(reportClaims(newest.report), 16_000) } : {}),
      page: `${pages}/incidents/${incident.id}`,
      freshness: await watchedBy({ db, clock }, incident.scope),
    }
  },
})

function reportHead({ revision }: Incident, newest: Investigation | undefined): z.input<typeof ReportHead> | null {
  if (newest?.report == null) return null
  const { analyst, verdict, confidence, summary, ungrounded } = newest.report
  return {
    analyst: quote(analyst, 60),
    at: newest.finishedAt?.toISOString() ?? null,
    verdict,
    confidence,
    outdated: newest.incidentRevision < revision,
    unconfirmed: ungrounded,
    summary: fitting(
      summary.map((claim) => saidIn(claim, 320)),
      share.summary,
    ),
  }
}

/** In three lines: as the report tells them, else as the case file ranks them. */
async function causes(db: Database, now: Date, { id }: Incident, newest: Investigation | undefined): Promise<Quoted[]> {
  if (newest?.report != null) return newest.report.rootCause.slice(0, 3).map((claim) => saidIn(claim, 240))
  const { rootCauses } = await readCase(db, now, id, { cluster: () => null })
  return rootCauses.slice(0, 3).map(causeTitle)
}

const order: readonly Place['kind'][] = ['workload', 'pod', 'node', 'container']
async function placesShown(db: Queryable, all: readonly Place[]): Promise<{ places: z.input<typeof PlaceRow>[]; morePlaces: number }> {
  const named = all.filter(({ kind }) => kind !== 'container').toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
  const entities = await getEntities(
    db,
    named.slice(0, mostPlaces).map(({ id }) => id),
  )
  const places = fitting(
    entities.toSorted((a, b) => order.indexOf(a.kind as Place['kind']) - order.indexOf(b.kind as Place['kind'])).map(placeRow),
    share.places,
  )
  return { places, morePlaces: named.length - places.length }
}
