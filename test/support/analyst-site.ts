/** An incident, a model behind a script, and the analyst that asks it: what an investigation by Claude is made of, without Claude. */
import { claudeAnalyst, type ClaudeOptions } from '../../agent/claude/claude.ts'
import type { SaidReport } from '../../agent/claude/schema.ts'
import { investigate, type InvestigateOptions } from '../../agent/investigate.ts'
import type { Falconer } from '../../apps/server/falconer.ts'
import type { Investigation } from '../../store/investigations.ts'
import { handsOf } from './analyst-hands.ts'
import type { Asked, Script } from './messages-api.ts'
import { modelSite, type ModelSite } from './model-site.ts'

export type Investigator = ModelSite & { investigate(incidentId: string, options?: Partial<InvestigateOptions>): Promise<Investigation> }

/** `settings`: as of `modelSite`. */
export async function investigator(
  falconer: Falconer,
  script: Script,
  options: ClaudeOptions = {},
  settings: Parameters<typeof modelSite>[2] = {},
): Promise<Investigator> {
  const { db, clock } = falconer
  const site = await modelSite(db, script, settings)
  const analyst = claudeAnalyst(db, site.models, options)
  return {
    ...site,
    investigate: (incidentId, given = {}) =>
      investigate(db, clock, analyst, incidentId, { cluster: () => ({ simulated: true }), hands: () => handsOf(falconer), ...given }),
  }
}

export const emptyReport: SaidReport = {
  verdict: 'suspicious',
  confidence: 'low',
  severity: 'low',
  summary: [],
  reasons: [],
  unusual: [],
  timeline: [],
  rootCause: [],
  fixFirst: [],
  blastRadius: [],
  unknowns: [],
  techniques: [],
  actions: [],
}

/** Everything that a request says, as the model reads it. */
export const readIn = ({ body }: Asked): string => texts([body.system, body.messages]).join('\n')
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(texts)
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(texts) : []
}

/** The case file in the first message, as data. */
export function caseIn(
  asked: Asked,
): { alerts: Record<string, string>[]; places: Record<string, string>[]; incident: Record<string, unknown> } & Record<string, unknown> {
  const [first] = texts(asked.body.messages.find(({ role }) => role === 'user')?.content).filter((text) => text.includes('{'))
  const text = first ?? ''
  return JSON.parse(text.slice(text.indexOf('\n{') + 1)) as ReturnType<typeof caseIn>
}
export const bare = (fenced: string | undefined): string => (fenced ?? '').replace(/^⟪|⟫$/g, '')
