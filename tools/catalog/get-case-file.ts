import { z } from 'zod'
import { readCase } from '../../incidents/read-case.ts'
import { watchedBy } from '../../store/alert-coverage.ts'
import { tool } from '../tool.ts'
import { CaseView, caseView } from '../views/case-file.ts'
import { IncidentMeant, incidentMeant } from '../views/find-incident.ts'

/** Everything an investigation of one incident begins with, from records alone. */
export const getCaseFileTool = tool({
  name: 'get_case_file',
  toolset: 'incidents',
  title: 'Case file of an incident',
  description:
    'The evidence of one incident, from records alone and the same for every reader: alerts (of many a sample with the first, the last and the most severe), processes, places, what is usual there, root causes with their evidence, ways in and out, what was not observed. Begin an investigation with it; 6,000 tokens at most. Not for a first glance (get_incident). Example: {"incident":"inc-1f9c04be2a"}',
  input: z.object({ incident: IncidentMeant }),
  output: CaseView.extend({ page: z.string(), freshness: z.string() }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ incident: given }, { db, clock, pages, ask }) => {
    const incident = await incidentMeant({ db, ask }, given)
    // Which cluster could act on it is asked of proposals, not here.
    const file = await readCase(db, clock.now(), incident.id, { cluster: () => null })
    return { ...caseView(file), page: `${pages}/incidents/${incident.id}`, freshness: await watchedBy({ db, clock }, incident.scope) }
  },
})
