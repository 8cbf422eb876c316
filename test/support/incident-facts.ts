/** What is told of an incident, in its true shape; with whatever the test changes. */
import type { IncidentFacts } from '../../notify/incident-facts.ts'
import { noon } from './records.ts'

export function incidentFacts({
  incident,
  ...over
}: Partial<Omit<IncidentFacts, 'incident'>> & { incident?: Partial<IncidentFacts['incident']> } = {}): IncidentFacts {
  const id = '019aa000-0000-7000-8000-00000000cafe'
  return {
    incident: {
      id,
      scope: 'lab',
      title: 'Terminal shell in container in shop/checkout',
      state: 'open',
      severity: 'high',
      severityFloor: 'high',
      severityReasons: [],
      correlationVersion: '1',
      alertCount: 3,
      expiredAlerts: 0,
      firstNs: noon,
      lastNs: noon + 90_000_000_000n,
      tactics: ['TA0002', 'TA0006'],
      techniques: ['T1059.004'],
      rules: ['Terminal shell in container'],
      entityIds: [],
      revision: 1,
      createdAt: new Date('2026-11-24T12:00:00Z'),
      updatedAt: new Date('2026-11-24T12:00:01Z'),
      mergedInto: null,
      ...incident,
    },
    rules: [
      {
        rule: 'Terminal shell in container',
        priority: 'Error',
        tactics: ['TA0002'],
        techniques: ['T1059.004'],
        count: 3,
        firstNs: noon,
        lastNs: noon + 90_000_000_000n,
        firstAlertId: '019aa000-0000-7000-8000-00000000beef',
      },
    ],
    report: null,
    touched: [{ kind: 'workload', key: 'uid-1', name: 'checkout', namespace: 'shop', labels: { team: 'payments' } }],
    namespaces: ['shop'],
    url: `https://falconer.example.org/incidents/${id}`,
    ...over,
  }
}

/** A report of which only the verdict matters. */
export const noReport = { analyst: 'playbook', model: null, summary: [], rootCause: [], partial: null }
