import type { ExamAnalyst } from '../exam-analyst.ts'
import { drafting, claimOn } from '../draft.ts'

/** The baseline: every alert is an intrusion, everything in sight is to be cut off. Whoever does no better than this has understood nothing. */
export const parrot: ExamAnalyst = {
  name: 'parrot',
  about: 'repeats every alert as an intrusion and would cut off all it sees',
  open: async () =>
    drafting('parrot', (file) => ({
      verdict: 'true_positive',
      confidence: 'high',
      summary: file.alerts
        .slice(0, 100)
        .map(({ alert }) => claimOn('Alert ', { record: 'alert', id: alert.id, path: 'rule', value: alert.rule })),
      techniques: [...new Set(file.alerts.flatMap(({ alert }) => alert.techniques))].map((id) => ({ id, tactic: null })),
      actions: file.entities.flatMap((entity) => {
        const action = deeds[entity.kind]
        return action === undefined
          ? []
          : [{ action, entityId: entity.id.toString(), params: {}, reason: 'There was an alert.', blocked: null }]
      }),
    })),
}
const deeds: Readonly<Record<string, string>> = { pod: 'kubernetes.isolate_pod', node: 'kubernetes.cordon_node' }
