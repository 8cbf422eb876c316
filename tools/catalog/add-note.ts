import { z } from 'zod'
import { tool } from '../tool.ts'
import { IncidentId } from '../views/find-incident.ts'
import { noteOn } from '../views/noted.ts'

/** A note on an incident, for the people who read it next. */
export const addNoteTool = tool({
  name: 'add_note',
  toolset: 'respond',
  title: 'Add a note',
  description:
    'Writes a note on an incident, for the people who read it next: what you checked, what is still open. It changes neither state nor severity. Cite records by id. Not for a verdict (set_verdict) nor for an action (propose_action). Example: {"incident":"inc-1f9c04be2a","text":"Checked alr-0a1b2c3d4e: the parent is the CI runner."}',
  input: z.object({ incident: IncidentId, text: z.string().trim().min(1).max(4_000) }),
  output: z.object({ incident: z.uuid(), created: z.boolean().describe('False: you had written the same before'), page: z.string() }),
  access: 'propose',
  permission: 'incidents.decide',
  listed: false,
  run: async ({ incident, text }, context) => noteOn(context, incident, text),
})
