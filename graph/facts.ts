/**
 * Exposure and privilege of a place, as facts with witnesses: each says in one sentence what holds and names the fields that show it. What is not
 * listed was not found in the records, which is not "does not hold"; what a fact says is absent ("token_not_mounted") a record says is absent.
 */
import type { Fix, StepEvidence } from '../domain/graph.ts'
import { accountOf, type Account, tokenMounted } from './kubernetes/accounts.ts'
import { cloudRoles } from './kubernetes/cloud-roles.ts'
import { fixed, listed, shown, titled } from './evidence.ts'
import { exposuresOf } from './kubernetes/exposure.ts'
import { wayIn } from './kubernetes/flaws.ts'
import { isolation } from './kubernetes/network-policy.ts'
import { keptFromOthers, noSecret, noToken } from './kubernetes/place-fixes.ts'
import { type Power, powersOf } from './kubernetes/powers.ts'
import { waysOut } from './kubernetes/privilege.ts'
import { groupsOf, identity, subjectKey, subjectsOf } from './kubernetes/rights.ts'
import { reachablePorts } from './kubernetes/selection.ts'
import type { Place, World } from './world.ts'

export const factCodes = [
  // Exposure
  'internet_reachable',
  'reachable_in_cluster',
  'isolated',
  // Ways out of the container
  'privileged',
  'host_pid',
  'host_ipc',
  'host_network',
  'host_path',
  'host_path_read',
  'runtime_socket',
  'capability',
  // Its service account, by its roles and bindings
  'token_mounted',
  'token_not_mounted',
  'cluster_admin',
  'escalates_rights',
  'reads_secrets',
  'creates_pods',
  'execs_into_pods',
  'mints_tokens',
  'impersonates',
  'uses_kubelets',
  'changes_admission',
  'cloud_role',
  // What it has in it
  'mounts_secret',
  'flaw_known_exploited',
  'flaw_over_network',
  'no_flaw_known',
  'not_scanned',
] as const
export type FactCode = (typeof factCodes)[number]

export type Fact = {
  code: FactCode
  /** "container app of Deployment shop/checkout is privileged" */ text: string
  evidence: StepEvidence[]
  /** The change that would undo it; null: it is no fault, or no single change does. */ fix: Fix | null
}

/** In the order of `factCodes`. Rights need a world that was read with roles and bindings (readPlaces); those of an account without its token are left out. */
export function factsOf(world: World, place: Place): Fact[] {
  const account = accountOf(world, place)
  const { mounted } = tokenMounted(place, account)
  const { code, text, evidence } = wayIn(world, place)
  const facts: Fact[] = [
    ...exposuresOf(world, place).map((one) => ({ code: 'internet_reachable' as const, text: one.text, evidence: one.evidence, fix: null })),
    ...inCluster(world, place),
    ...waysOut(place).map((way) => ({ code: way.code, text: way.text, evidence: way.evidence, fix: way.fix })),
    token(place, account),
    ...(mounted ? rights(world, account) : []),
    ...cloud(place, account),
    ...(place.spec.secrets ?? []).map((name) => mountedSecret(place, name)),
    { code, text, evidence: evidence.length > 0 ? evidence : [imagesOf(place)], fix: null },
  ]
  return facts.sort((a, b) => factCodes.indexOf(a.code) - factCodes.indexOf(b.code))
}

function inCluster(world: World, place: Place): Fact[] {
  const ports = reachablePorts(world, place)
  const { by, peers } = isolation(world, place, 'ingress')
  const names = listed(by.map(({ name }) => name))
  const labels = shown(place.specOf, `${place.specPath}.labels`, place.spec.labels)
  if (by.length > 0) {
    const text = `NetworkPolicy ${names} selects ${place.title} and lets in ${peers.length === 0 ? 'nobody' : 'only whom its rules name'}`
    return [
      {
        code: 'isolated',
        text,
        evidence: by.map((policy) => shown(policy, 'properties.podSelector', policy.properties.podSelector)),
        fix: null,
      },
    ]
  }
  if (ports.length === 0) return []
  const text = `${place.title} listens on ${listed([...new Set(ports.map(({ port }) => String(port)))])} and no recorded network policy selects it`
  return [{ code: 'reachable_in_cluster', text, evidence: [labels], fix: keptFromOthers(place) }]
}

function token(place: Place, account: Account): Fact {
  const { mounted, by } = tokenMounted(place, account)
  const title = titled('ServiceAccount', account)
  const evidence =
    by === 'account' && account.account !== null
      ? shown(account.account, 'properties.automountServiceAccountToken', mounted)
      : shown(place.specOf, `${place.specPath}.automountServiceAccountToken`, place.spec.automountServiceAccountToken ?? null)
  if (!mounted) return { code: 'token_not_mounted', text: `${place.title} has no token of ${title} in it`, evidence: [evidence], fix: null }
  return { code: 'token_mounted', text: `${place.title} has the token of ${title} in it`, evidence: [evidence], fix: noToken(place) }
}

/** Its own and its groups’. */
function rights(world: World, { ref, namespace }: Account): Fact[] {
  const subjects = subjectsOf(world)
  const holders = [ref, ...groupsOf(namespace).map((name) => identity(world.scope, 'Group', name))].flatMap(
    (one) => subjects.get(subjectKey(one)) ?? [],
  )
  return holders.flatMap((subject) =>
    powersOf(world, subject).map(({ code, because, evidence, fix }: Power) => ({ code, text: because, evidence, fix })),
  )
}

const cloud = (place: Place, { account }: Account): Fact[] =>
  account === null
    ? []
    : cloudRoles(account).map(({ role, evidence }) => ({
        code: 'cloud_role' as const,
        text: `${place.title} runs as ${titled('ServiceAccount', account)}, which may be ${role}`,
        evidence: [evidence],
        fix: fixed(`cloud-role/${account.key}`, `Give ${titled('ServiceAccount', account)} no cloud role, or one with less`, account),
      }))

const mountedSecret = (place: Place, name: string): Fact => ({
  code: 'mounts_secret',
  text: `${place.title} takes in Secret ${place.namespace}/${name}`,
  evidence: [shown(place.specOf, `${place.specPath}.secrets`, name)],
  fix: noSecret(place, name),
})

const imagesOf = (place: Place): StepEvidence =>
  shown(place.specOf, `${place.specPath}.containers`, listed(place.spec.containers.flatMap(({ init, image }) => (init ? [] : [image]))))
