/**
 * Exposure and privilege of a place, as facts with witnesses: each says in one sentence what holds and names the fields that show it. What is not
 * listed was not found in the records, which is not "does not hold"; what a fact says is absent ("token_not_mounted") a record says is absent.
 */
import type { Fix, StepEvidence } from '../domain/graph.ts'
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
export type PlaceFact = Fact

/** In the order of `factCodes`. Rights need a world that was read with roles and bindings (readPlaces). */
export function factsOf(_world: World, _place: Place): PlaceFact[] {
  return []
}
