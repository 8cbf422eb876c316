import { z } from 'zod'
import { IncidentState } from '../../domain/incident.ts'
import { Verdict } from '../../domain/report.ts'
import { Severity } from '../../domain/severity.ts'
import { tool } from '../tool.ts'
import { IncidentId, incidentOf } from '../views/find-incident.ts'
import { noteOn } from '../views/noted.ts'

/** A verdict, suggested: written down as a note that says who suggests it. Only people decide, on the page. */
export const setVerdictTool = tool({
  name: 'set_verdict',
  toolset: 'respond',
  title: 'Suggest a verdict',
  description:
    'Suggests a verdict on an incident. It is written down as a suggestion with your reason; it closes nothing and lowers nothing, whatever it says: a person decides on the page. Use it when your investigation is done. For a remark use add_note. Example: {"incident":"inc-1f9c04be2a","verdict":"true_positive","reason":"Reverse shell (alr-0a1b2c3d4e) after CVE-2026-1000 was exploited"}',
  input: z.object({
    incident: IncidentId,
    verdict: Verdict,
    reason: z.string().trim().min(1).max(2_000).describe('Why, with the records that show it'),
  }),
  output: z.object({
    incident: z.uuid(),
    suggested: Verdict,
    created: z.boolean().describe('False: you had suggested the same before'),
    state: IncidentState.describe('As before'),
    severity: Severity.describe('As before'),
    page: z.string().describe('Where a person decides'),
  }),
  access: 'propose',
  permission: 'incidents.decide',
  listed: false,
  run: async ({ incident: text, verdict, reason }, context) => {
    const words = `Suggested verdict: ${verdict.replaceAll('_', ' ')}. Suggested by ${context.principal.name} with a tool; nobody has decided it. Reason given: ${reason}`
    const noted = await noteOn(context, text, words)
    const { state, severity } = await incidentOf(context.db, noted.incident)
    return { ...noted, suggested: verdict, state, severity }
  },
})
