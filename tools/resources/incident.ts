import { z } from 'zod'
import { formatEventTime } from '../../domain/event-time.ts'
import { parseId, shortId } from '../../domain/ids.ts'
import { IncidentState } from '../../domain/incident.ts'
import { type ClaimPart, claimParts, type GroundedClaim, Standing, standingOf } from '../../domain/report.ts'
import { Severity } from '../../domain/severity.ts'
import { runbooksOfIncident } from '../../prompts/runbook.ts'
import { incidentsTitled } from '../../store/completions.ts'
import { findIncident } from '../../store/find.ts'
import { getIncident, listIncidents } from '../../store/incidents.ts'
import { type Investigation, latestReports } from '../../store/investigations.ts'
import { listProposals } from '../../store/proposals.ts'
import { bullets, document, fields, heading, inert } from '../markdown.ts'
import { Quoted, quote } from '../quoted.ts'
import { resource } from '../resource.ts'

const Said = z.object({
  text: Quoted,
  standing: Standing,
  evidence: z.array(Quoted).describe('The records it stands on, as it names them'),
})
const Reported = z.object({
  analyst: z.string(),
  at: z.string().nullable(),
  verdict: z.string(),
  confidence: z.string(),
  claims: z.array(Said.extend({ part: z.enum(claimParts) })),
  unknown: z.array(Quoted).describe('What was not observed, and since when'),
  outdated: z.boolean().describe('The incident changed after this report'),
})

/** Incidents with their newest report. */
export const incidentResource = resource({
  kind: 'incident',
  toolset: 'incidents',
  title: 'Incident',
  description:
    'One incident: what it is, its newest report with the records each claim stands on, what was proposed, and which runbooks fit.',
  by: 'id',
  permission: 'incidents.read',
  output: z.object({
    id: z.string(),
    title: Quoted,
    state: IncidentState,
    severity: Severity,
    because: z.array(Quoted).describe('How its severity came about'),
    cluster: z.string(),
    from: z.string(),
    to: z.string(),
    alerts: z.number().int(),
    rules: z.array(Quoted),
    techniques: z.array(z.string()),
    report: Reported.nullable(),
    proposals: z.array(z.object({ id: z.string(), action: z.string(), state: z.string(), approve: z.string() })),
    runbooks: z.array(z.string()),
    page: z.string(),
  }),
  list: async ({ db }) =>
    (await listIncidents(db, { notClosed: true }, { limit: 20 })).incidents.map((one) => ({
      id: shortId('incident', one.id),
      title: quote(one.title, 120),
      description: `${one.severity}, ${one.state}, ${one.alertCount} alerts, last at ${formatEventTime(one.lastNs).slice(0, 16)}Z in ${one.scope}`,
    })),
  complete: async (text, { db }) =>
    (await incidentsTitled(db, text.replace(/^inc-/, ''), 200)).map(({ id }) => shortId('incident', id)).slice(0, 100),
  read: async (id, { db, pages }) => {
    const one = await findIncident(db, id)
    const report = (await latestReports(db, [one.id])).get(one.id)
    return {
      id: shortId('incident', one.id),
      title: quote(one.title, 200),
      state: one.state,
      severity: one.severity,
      because: one.severityReasons.slice(0, 10).map(({ text }) => quote(text, 300)),
      cluster: one.scope,
      from: formatEventTime(one.firstNs),
      to: formatEventTime(one.lastNs),
      alerts: one.alertCount,
      rules: one.rules.slice(0, 30).map((rule) => quote(rule, 120)),
      techniques: one.techniques.slice(0, 50),
      report: report === undefined ? null : reportOf(report, one.revision),
      proposals: (await listProposals(db, { incidentId: one.id }, 20)).map((proposal) => ({
        id: shortId('proposal', proposal.id),
        action: proposal.action,
        state: proposal.state,
        approve: `${pages}/proposals/${shortId('proposal', proposal.id)}`,
      })),
      runbooks: runbooksOfIncident(one)
        .slice(0, 4)
        .map(({ name }) => name),
      page: `${pages}/incidents/${shortId('incident', one.id)}`,
    }
  },
  markdown: (one) =>
    document(
      heading(1, inert(one.title)),
      fields({
        Incident: one.id,
        State: one.state,
        Severity: one.severity,
        Cluster: one.cluster,
        Seen: `${one.from} to ${one.to}, ${one.alerts} alerts`,
        Techniques: one.techniques.join(', '),
        Page: one.page,
      }),
      heading(2, 'Why this severity'),
      bullets(one.because.map(inert), 'Not recorded.'),
      heading(2, 'Rules'),
      bullets(one.rules.map(inert), 'None.'),
      reportText(one.report),
      heading(2, 'Proposed'),
      bullets(
        one.proposals.map((proposal) => `${proposal.id}: ${proposal.action}, ${proposal.state}. A person decides at ${proposal.approve}`),
        'Nothing.',
      ),
      heading(2, 'Runbooks that fit'),
      bullets(
        one.runbooks.map((name) => `falconer://runbook/${name}`),
        'None by rule or technique.',
      ),
    ),
  version: async (id, { db }) => {
    const by = parseId('incident', id)
    const one = by === undefined ? undefined : await getIncident(db, by)
    if (one === undefined) return undefined
    const report = (await latestReports(db, [one.id])).get(one.id)
    return `${one.id} ${one.revision} ${one.state} ${one.updatedAt.getTime()} ${report?.id}`
  },
})

function reportOf({ report, analyst, finishedAt, incidentRevision }: Investigation, revision: number): z.input<typeof Reported> | null {
  if (report === null) return null
  const claims = claimParts.flatMap((part) => report[part].slice(0, 12).map((claim) => saidOf(part, claim)))
  return {
    analyst,
    at: finishedAt?.toISOString() ?? null,
    verdict: report.verdict,
    confidence: report.confidence,
    claims,
    unknown: report.unknowns.slice(0, 20).map((text) => quote(text, 400)),
    outdated: incidentRevision < revision,
  }
}
const saidOf = (part: ClaimPart, claim: GroundedClaim) => ({
  part,
  text: quote(claim.text, 600),
  standing: standingOf(claim),
  evidence: [...new Set(claim.evidence.map(({ record, id }) => quote(`${record} ${id}`, 120)))].slice(0, 8),
})

const titles: Record<ClaimPart, string> = {
  summary: 'Summary',
  reasons: 'Why this verdict',
  unusual: 'What was not like this before',
  timeline: 'Timeline',
  rootCause: 'What made it possible',
  fixFirst: 'What to fix first',
  blastRadius: 'What could be taken next',
}

function reportText(report: z.output<typeof Reported> | null): string {
  if (report === null) return document(heading(2, 'Report'), 'Nobody has investigated it yet.')
  const parts = claimParts.map((part) => {
    const claims = report.claims.filter((claim) => claim.part === part)
    if (claims.length === 0) return null
    const lines = claims.map(
      ({ text, standing, evidence }) =>
        `${standing === 'confirmed' ? '' : `**${standing === 'judgement' ? 'Judgement' : 'Hypothesis'}**: `}${inert(text)}${evidence.map((id) => ` ${inert(id)}`).join('')}`,
    )
    return document(heading(3, titles[part]), bullets(lines, ''))
  })
  return document(
    heading(2, 'Report'),
    `By ${report.analyst}${report.at === null ? '' : `, ${report.at}`}. Verdict: ${report.verdict}, confidence ${report.confidence}.${report.outdated ? ' The incident has changed since.' : ''}`,
    ...parts,
    heading(3, 'What is not known'),
    bullets(report.unknown.map(inert), 'The report names nothing.'),
  )
}
