import { z } from 'zod'
import type { KubernetesJson, ReadClient } from '../../../clusters/contract.ts'
import type { Observation, Plan, PlannedRequest } from '../../../domain/proposal.ts'
import { canonicalJson } from '../../../domain/canonical-json.ts'
import type { ResponseAction } from '../../action.ts'
import { declaredBy, place, readTarget } from '../../describe.ts'
import { sendAll } from '../../send-all.ts'
import { Unplannable } from '../../unplannable.ts'

export const quarantineLabel = 'falconer.dev/quarantine'

/**
 * Cuts one pod off the network: a label of ours on that pod, and a NetworkPolicy that denies everything to pods with that label
 * and value. The owner's own labels stay as they are, so no Service, ReplicaSet or disruption budget changes its mind about it.
 */
export const isolatePod: ResponseAction = {
  name: 'kubernetes.isolate_pod',
  title: 'Isolate pod',
  description:
    'Denies all network traffic of one pod with a quarantine label and a NetworkPolicy. The pod keeps running, so evidence stays. Undone by removing both.',
  countermeasure: 'isolate',
  impact: 'disruptive',
  destroysEvidence: false,
  targets: ['pod'],
  params: z.strictObject({}),
  permissions: [
    { apiGroup: '', resource: 'pods', verbs: ['get', 'patch'] },
    { apiGroup: '', resource: 'services', verbs: ['list'] },
    { apiGroup: 'networking.k8s.io', resource: 'networkpolicies', verbs: ['get', 'list', 'create', 'delete'] },
  ],

  async plan(_params, target, context) {
    const pod = await readTarget(context.read, target)
    const namespace = target.namespace ?? 'default'
    if (pod.spec?.hostNetwork === true)
      throw new Unplannable(
        `${place(target)} uses its node’s network, which no NetworkPolicy can close. Delete the pod, or cordon the node, instead.`,
      )
    const policyName = policyNameFor(target.uid)
    const manifest = denyAll(policyName, namespace, target.uid)
    const standing = await policyStands(context.read, manifest)
    // Another's label of this name must not keep a pod from being isolated; the undo gives it back.
    const label = pod.metadata.labels?.[quarantineLabel]
    if (label === target.uid && standing) throw new Unplannable(`${place(target)} is already in quarantine.`)
    const labelled = (value: string | null): PlannedRequest => ({
      verb: 'patch',
      resource: 'pods',
      namespace,
      name: target.name,
      body: { metadata: { uid: target.uid, labels: { [quarantineLabel]: value } } },
    })
    const policy = { resource: policyResource, namespace, name: policyName } as const
    const requests: PlannedRequest[] = [...(standing ? [] : [{ verb: 'create' as const, ...policy, body: manifest }]), labelled(target.uid)]
    for (const request of requests) await context.rehearse(request)
    const services = (await servicesOf(context.read, pod, namespace)).map((service) => ({
      kind: 'Service',
      namespace,
      name: service.metadata.name,
    }))
    return {
      declared: declaredBy(pod),
      requests,
      evidenceFirst: [],
      blastRadius: {
        summary: `1 pod${services.length === 0 ? '; no Service sends it traffic' : `; ${services.length} ${services.length === 1 ? 'Service loses' : 'Services lose'} this endpoint: ${services.map((service) => service.name).join(', ')}`}`,
        affected: [{ kind: 'Pod', namespace, name: target.name }, ...services],
      },
      summary: `All network traffic of pod ${namespace}/${target.name} will be denied; the pod keeps running.`,
      diff: [
        `${standing ? ' ' : '+'} NetworkPolicy ${namespace}/${policyName}${standing ? ' (it exists already)' : ''}`,
        `+   selects ${quarantineLabel}=${target.uid}`,
        '+   ingress: nothing allowed',
        '+   egress: nothing allowed',
        `  Pod ${namespace}/${target.name}`,
        ...(label === undefined || label === target.uid ? [] : [`-   label ${quarantineLabel}: ${label}`]),
        `+   label ${quarantineLabel}: ${target.uid}`,
      ].join('\n'),
      warnings: [
        'A NetworkPolicy works only if the cluster’s network plug-in enforces it; some leave established connections open.',
        ...otherAllows(await context.read.list(policyResource, namespace), pod),
      ],
      undo: `The label is ${label === undefined ? 'removed' : 'set back'}${standing ? '' : ' and the NetworkPolicy deleted'}.`,
      undoRequests: [labelled(label ?? null), ...(standing ? [] : [{ verb: 'delete' as const, ...policy, body: null }])],
    }
  },

  execute: (approved, context) => sendAll(approved, context, 'The pod is labelled and the deny-all policy exists.'),

  async verify(plan, context) {
    const inPlace = await applied(plan, context.read)
    if (inPlace !== 'applied') return inPlace
    // A network plug-in needs a moment to act on a policy.
    for (let attempt = 0; ; attempt += 1) {
      const flows = await context.flows.connections(plan.target.uid)
      if (flows === 'not_observed')
        return {
          level: 'applied',
          text: 'Label and policy are in place. Whether traffic stopped was not observed: nothing reports this cluster’s connections.',
          remaining: ['connections that were open may still be open'],
        }
      const open = flows.filter((flow) => flow.state === 'open')
      if (flows.length === 0)
        return {
          level: 'applied',
          text: 'Label and policy are in place. No connection of the pod was observed, so none was seen to end.',
          remaining: ['whether the network plug-in enforces the policy was not seen'],
        }
      if (open.length === 0)
        return {
          level: 'effect_observed',
          text: `Contained: label and policy are in place, and none of the pod’s ${flows.length} observed connections is open.`,
          remaining: [],
        }
      if (attempt === 4)
        return {
          level: 'applied',
          text: `Label and policy are in place, but ${open.length} of ${flows.length} observed connections are still open.`,
          remaining: open.map((flow) => `${flow.direction === 'out' ? 'to' : 'from'} ${flow.peer}:${flow.port}`),
        }
      await context.wait(250)
    }
  },

  contains: () => true,
}

const policyResource = 'networkpolicies.networking.k8s.io'
const policyNameFor = (uid: string): string => `falconer-quarantine-${uid}`.slice(0, 63).replace(/[^a-z0-9]+$/, '')

/** Whether the very policy stands already, left from an earlier time. Throws Unplannable when another one has its name. */
async function policyStands(read: ReadClient, manifest: KubernetesJson): Promise<boolean> {
  const found = await read.get(policyResource, manifest.metadata.namespace ?? null, manifest.metadata.name)
  if (found === null) return false
  if (deniesAll(found, manifest)) return true
  throw new Unplannable(
    `A NetworkPolicy ${manifest.metadata.name} exists that is not the one Falconer would make. Somebody changed it: look at it, delete it, and propose this again.`,
  )
}

/** To the word: one allowed port more, and it isolates nothing. */
function deniesAll(found: KubernetesJson, manifest: KubernetesJson): boolean {
  const { podSelector, policyTypes, ingress = [], egress = [], ...rest } = found.spec ?? {}
  return canonicalJson({ podSelector, policyTypes, ingress, egress }) === canonicalJson(manifest.spec) && Object.keys(rest).length === 0
}

async function applied(plan: Plan, read: ReadClient): Promise<Observation | 'applied'> {
  const { target } = plan
  const pod = await read.get('pods', target.namespace, target.name)
  if (pod === null || pod.metadata.uid !== target.uid)
    return { level: 'none', text: 'The pod no longer exists.', remaining: ['whatever has replaced it is not isolated'] }
  const manifest = denyAll(policyNameFor(target.uid), target.namespace ?? 'default', target.uid)
  const policy = await read.get(policyResource, target.namespace, manifest.metadata.name)
  const missing = [
    ...(pod.metadata.labels?.[quarantineLabel] === target.uid ? [] : ['the quarantine label is not on the pod']),
    ...(policy === null
      ? ['the deny-all policy does not exist']
      : deniesAll(policy, manifest)
        ? []
        : ['somebody changed the deny-all policy']),
  ]
  return missing.length === 0
    ? 'applied'
    : { level: missing.length === 2 ? 'none' : 'accepted', text: 'The pod is not isolated.', remaining: missing }
}

const denyAll = (name: string, namespace: string, value: string): KubernetesJson => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'falconer' } },
  spec: { podSelector: { matchLabels: { [quarantineLabel]: value } }, policyTypes: ['Ingress', 'Egress'], ingress: [], egress: [] },
})

const selects = (selector: Record<string, string> | undefined, labels: Record<string, string>): boolean =>
  selector !== undefined && Object.entries(selector).every(([name, value]) => labels[name] === value)

async function servicesOf(read: ReadClient, pod: KubernetesJson, namespace: string): Promise<KubernetesJson[]> {
  const services = await read.list('services', namespace)
  return services.filter((service) => {
    const selector = service.spec?.selector as Record<string, string> | undefined
    return selector !== undefined && Object.keys(selector).length > 0 && selects(selector, pod.metadata.labels ?? {})
  })
}

/** NetworkPolicies add up: what another one allows stays allowed, whatever ours denies. */
function otherAllows(policies: readonly KubernetesJson[], pod: KubernetesJson): string[] {
  const allowing = policies.filter((policy) => {
    const spec = (policy.spec ?? {}) as { podSelector?: { matchLabels?: Record<string, string> }; ingress?: unknown[]; egress?: unknown[] }
    return (
      (spec.ingress ?? []).length + (spec.egress ?? []).length > 0 &&
      selects(spec.podSelector?.matchLabels ?? {}, pod.metadata.labels ?? {})
    )
  })
  return allowing.length === 0
    ? []
    : [
        `Policies add up: what ${allowing.map((policy) => policy.metadata.name).join(', ')} ${allowing.length === 1 ? 'allows' : 'allow'} for this pod stays allowed.`,
      ]
}
