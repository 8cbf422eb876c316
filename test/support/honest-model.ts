/** A model behind the loopback that does its work: it looks once or twice, then reports what the case it was given says, and nothing else. */
import type { SaidReport } from '../../agent/claude/schema.ts'
import { bare, caseIn, emptyReport } from './analyst-site.ts'
import { type Asked, replies, type Script } from './messages-api.ts'

/** As a provider counts a turn whose beginning it had kept. */
export const turnUsage = { input_tokens: 900, output_tokens: 400, cache_read_input_tokens: 9_000, cache_creation_input_tokens: 700 }

/** `looks`: questions before the report, one a turn. `before`: awaited before each answer, with its turn from 0. */
export const honestModel =
  ({ looks = 2, before }: { looks?: number; before?: (turn: number, asked: Asked) => unknown } = {}): Script =>
  async (asked) => {
    const turn = asked.body.messages.filter(({ role }) => role === 'assistant').length
    await before?.(turn, asked)
    const { incident } = caseIn(asked)
    const look = [
      { name: 'get_process_tree', input: { incident: incident.id } },
      { name: 'get_coverage', input: {} },
    ][turn % 2] as { name: string; input: object }
    return turn < looks && asked.body.tool_choice === undefined
      ? replies.tools([look], 'Who started the shell, and who was watching?', turnUsage)
      : replies.structured(trueReport(asked), turnUsage)
  }

/** True of the case it was given, and cited; of one it has reported on before, of what is new. */
export function trueReport(asked: Asked): SaidReport {
  const {
    alerts = [],
    places = [],
    incident,
  } = caseIn(asked) as Partial<ReturnType<typeof caseIn>> & Pick<ReturnType<typeof caseIn>, 'incident'>
  const [first, second] = alerts
  const pod = places.find(({ kind }) => kind === 'pod')
  const claim = (text: string, cites: string[], kind: SaidReport['summary'][number]['kind'] = 'observation') => ({ text, kind, cites })
  return {
    ...emptyReport,
    verdict: 'true_positive',
    confidence: 'high',
    severity: 'critical',
    summary: [
      claim(`${incident.alerts as number} alerts came from it.`, [`incident:${incident.id as string}`]),
      ...(pod === undefined ? [] : [claim(`They are of ⟦${bare(pod.name)}⟧.`, [`entity:${pod.entity}`])]),
      ...(first === undefined ? [] : [claim(`Rule ⟦${bare(first.rule)}⟧ fired first.`, [`alert:${first.id}`])]),
    ],
    ...(first === undefined || second === undefined
      ? {}
      : { reasons: [claim(`⟦${bare(first.rule)}⟧ led to the other.`, [`alert:${first.id}`, `alert:${second.id}`], 'causal')] }),
    unknowns: ['What was sent, for no source records contents; whoever runs the database could look.'],
    techniques: ['T1059.004'],
    actions:
      pod === undefined ? [] : [{ action: 'kubernetes.isolate_pod', entity: `${pod.entity}`, replicas: null, reason: 'It is entered.' }],
  }
}
