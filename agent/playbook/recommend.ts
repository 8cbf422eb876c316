/** What the playbook proposes: evidence first, then containment of what inventory can name. What cannot be named says why. */
import type { RecommendedAction, Verdict } from '../../domain/report.ts'
import type { Entity } from '../../domain/entity.ts'
import type { CaseAlert, CaseFile } from '../../incidents/case-file.ts'
import { allOfCloud } from '../../incidents/posture-topics.ts'
import { severityAtLeast, type Signal } from './weigh.ts'

const most = 3

export function recommend(file: CaseFile, verdict: Verdict, signals: readonly Signal[]): RecommendedAction[] {
  if (verdict !== 'true_positive' && verdict !== 'suspicious') return []
  // Nothing in the catalogue acts on an identity of a cloud: what to change is said in the report.
  if (allOfCloud(file)) return []
  const contain = verdict === 'true_positive' && severityAtLeast(file.incident.severityFloor, 'medium')
  if (!contain && !severityAtLeast(file.incident.severityFloor, 'medium')) return []
  const weighty = signals.filter((signal) => (contain ? signal.weight !== 'weak' : true))
  const involved = weighty.flatMap((signal) => signal.alerts)
  const pods = distinct(involved.map((entry) => entry.context.pod))
  const actions: RecommendedAction[] = []
  for (const pod of pods.slice(0, most)) {
    actions.push(
      action('kubernetes.collect_logs', pod, 'Logs rotate and are lost with the container: keep them before anything is changed.'),
    )
    if (contain)
      actions.push(
        action('kubernetes.isolate_pod', pod, 'It shows signs of an intruder; cut off the network, the pod can still be examined.'),
      )
  }
  if (pods.length === 0)
    actions.push({
      action: contain ? 'kubernetes.isolate_pod' : 'kubernetes.collect_logs',
      entityId: null,
      params: {},
      reason: 'It should be applied to the pod these alerts came from.',
      blocked: whyNoPod(file, involved),
    })
  const escaped = signals.filter(
    (signal) => signal.family.reachesHost === true && (signal.weight === 'conclusive' || signal.weight === 'decisive'),
  )
  const nodes = distinct(escaped.flatMap((signal) => signal.alerts).map((entry) => entry.context.node))
  if (contain)
    for (const node of nodes.slice(0, most))
      actions.push(action('kubernetes.cordon_node', node, 'The node itself may be in other hands: let nothing new start on it.'))
  return actions
}

function action(name: string, entity: Entity, reason: string): RecommendedAction {
  return {
    action: name,
    entityId: entity.id.toString(),
    params: {},
    reason,
    blocked: entity.deletedNs !== null ? 'Inventory saw it go: it no longer exists.' : null,
  }
}

function whyNoPod(file: CaseFile, involved: readonly CaseAlert[]): string {
  if (involved.every((entry) => entry.alert.container === null && entry.alert.pod === null))
    return 'The alerts are from a host itself, not from a pod: there is no pod to act on.'
  if (file.inventory === null)
    return `No inventory of cluster “${file.incident.scope}” has been collected, so no target can be named. Import one, or let Falconer watch the cluster.`
  const how = involved.find((entry) => entry.context.pod === null)?.context.how ?? 'no record matches'
  return `No target can be named: ${how}.`
}

const distinct = (entities: readonly (Entity | null)[]): Entity[] => [
  ...new Map(entities.filter((entity): entity is Entity => entity !== null).map((entity) => [entity.id, entity])).values(),
]
