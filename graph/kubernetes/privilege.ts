/**
 * Ways out of its containers that a place has, by what is declared of its pods. Pure. Containers that end before the others start are left out: an
 * intruder comes later. A user that is not root, and may not become it, cannot use what only root’s capabilities give.
 */
import type { DeclaredContainer } from '../../domain/entity.ts'
import type { Fix, StepEvidence } from '../../domain/graph.ts'
import { fixed, listed, shown } from '../evidence.ts'
import type { FactCode } from '../facts.ts'
import { givenBy, type HostPathGives } from './host-path.ts'
import { noHostNetwork } from './place-fixes.ts'
import type { Place } from '../world.ts'

/** What a way leads to, on the nodes the place runs on: the node itself, what runs on it, its network, its shared memory; `etcd`: every Secret. */
export type WayEnd = 'node' | 'node-processes' | 'node-network' | 'node-memory' | 'etcd'

export type WayOut = {
  code: Extract<
    FactCode,
    'privileged' | 'host_pid' | 'host_ipc' | 'host_network' | 'host_path' | 'host_path_read' | 'runtime_socket' | 'capability'
  >
  end: WayEnd
  cost: number
  text: string
  evidence: StepEvidence[]
  fix: Fix
}

const cache = new WeakMap<Place, readonly WayOut[]>()
/** Worked out once: nine rules ask. */
export function waysOut(place: Place): readonly WayOut[] {
  const known = cache.get(place) ?? findWays(place)
  cache.set(place, known)
  return known
}

function findWays(place: Place): WayOut[] {
  const containers = place.spec.containers.flatMap((one, at) => (one.init ? [] : [{ ...one, at }]))
  return [
    ...privileged(place, containers),
    ...hostProcesses(place, containers),
    ...hostPaths(place, containers),
    ...capabilities(place, containers),
    ...hostNetwork(place),
    ...hostMemory(place),
  ]
}

type Container = DeclaredContainer & { at: number }

function privileged(place: Place, containers: readonly Container[]): WayOut[] {
  const those = containers.filter((one) => one.privileged)
  if (those.length === 0) return []
  return [
    {
      code: 'privileged',
      end: 'node',
      cost: 1,
      text: `${containersOf(place, those)} ${those.length === 1 ? 'is' : 'are'} privileged`,
      evidence: those.map(({ at }) => of(place, `containers[${at}].privileged`, true)),
      fix: fix(place, 'privileged', `Run ${containersOf(place, those)} unprivileged`),
    },
  ]
}

/** Seeing the node’s processes is seeing what they were given; with the right to trace them it is being one of them. */
function hostProcesses(place: Place, containers: readonly Container[]): WayOut[] {
  if (!place.spec.hostPID) return []
  const evidence = of(place, 'hostPID', true)
  const remedy = fix(place, 'host-pid', `Give ${place.title} a process namespace of its own (hostPID: false)`)
  const tracing = containers.filter((one) => one.privileged || usable(one).some((name) => name === 'SYS_PTRACE' || name === 'SYS_ADMIN'))
  const seen: WayOut = {
    code: 'host_pid',
    end: 'node-processes',
    cost: containers.some((one) => !notRoot(one)) ? 1 : 2,
    text: `${place.title} sees the processes of its node`,
    evidence: [evidence],
    fix: remedy,
  }
  const entered: WayOut = {
    ...seen,
    end: 'node',
    cost: 1,
    text: `${containersOf(place, tracing)} may enter the processes of the node, which ${place.title} sees`,
    evidence: [
      evidence,
      ...tracing.map((one) => (one.privileged ? of(place, `containers[${one.at}].privileged`, true) : added(place, one))),
    ],
  }
  return tracing.length > 0 ? [entered, seen] : [seen]
}

type Mounted = { path: string; gives: HostPathGives[]; evidence: StepEvidence; asRoot: boolean }

function hostPaths(place: Place, containers: readonly Container[]): WayOut[] {
  const named = new Map(containers.map((one) => [one.name, one]))
  const mounted = (place.spec.hostPaths ?? []).flatMap(({ path, mounts }, at): Mounted[] => {
    const used = mounts.filter(({ container }) => named.has(container))
    if (used.length === 0) return []
    const gives = givenBy(
      path,
      used.every(({ readOnly }) => readOnly),
    )
    const asRoot = used.some(({ container }) => !notRoot(named.get(container) as Container))
    return gives.length === 0 ? [] : [{ path, gives, asRoot, evidence: of(place, `hostPaths[${at}].path`, path) }]
  })
  if (mounted.length === 0) return []
  const paths = (those: readonly Mounted[]): string => listed(those.map(({ path }) => path))
  const socketsAlone = mounted.every(({ gives }) => gives.every((given) => given === 'socket'))
  const remedy = fix(
    place,
    socketsAlone ? 'runtime-socket' : 'host-path',
    `Mount ${paths(mounted)} of the node no longer into ${place.title}`,
  )
  const way = (
    code: WayOut['code'],
    end: WayEnd,
    gives: readonly HostPathGives[],
    cost: number,
    says: (what: string) => string,
  ): WayOut[] => {
    const those = mounted.filter((one) => one.gives.some((given) => gives.includes(given)))
    if (those.length === 0) return []
    const more = those.some(({ asRoot }) => asRoot) ? 0 : 1
    return [{ code, end, cost: cost + more, text: says(paths(those)), evidence: those.map(({ evidence }) => evidence), fix: remedy }]
  }
  return [
    ...way('host_path', 'node', ['writes'], 1, (what) => `${place.title} writes ${what} of its node`),
    ...way('host_path', 'node', ['devices'], 2, (what) => `${place.title} has ${what} of its node, its devices`),
    ...way('runtime_socket', 'node', ['socket'], 1, (what) => `${place.title} reaches the container runtime of its node through ${what}`),
    ...way('host_path_read', 'node-processes', ['pods'], 1, (what) => `${place.title} reads what other pods have on its node in ${what}`),
    ...way('host_path_read', 'node', ['keys'], 2, (what) => `${place.title} reads keys of its node in ${what}`),
    ...way(
      'host_path_read',
      'node',
      ['logs'],
      3,
      (what) => `${place.title} writes ${what} of its node, where the kubelet follows any link`,
    ),
    ...way('host_path_read', 'etcd', ['etcd'], 2, (what) => `${place.title} reads the database of the cluster in ${what}`),
  ]
}

/** What each alone is enough for, and how hard it is. */
const dangerous: Readonly<Record<string, { cost: number; what: string }>> = {
  SYS_ADMIN: { cost: 1, what: 'mount what it likes' },
  SYS_MODULE: { cost: 1, what: 'load code into the kernel' },
  DAC_READ_SEARCH: { cost: 1, what: 'open any file of the node by its handle' },
  SYS_RAWIO: { cost: 2, what: 'reach the memory and disks of the node' },
  BPF: { cost: 2, what: 'run programs in the kernel' },
}

function capabilities(place: Place, containers: readonly Container[]): WayOut[] {
  const those = containers.flatMap((one) => {
    const found = one.privileged ? [] : usable(one).filter((name) => Object.hasOwn(dangerous, name))
    return found.length === 0 ? [] : [{ one, found }]
  })
  if (those.length === 0) return []
  const names = [...new Set(those.flatMap(({ found }) => found))].sort()
  const may = listed(names.map((name) => dangerous[name]?.what ?? ''))
  const has = containersOf(
    place,
    those.map(({ one }) => one),
  )
  return [
    {
      code: 'capability',
      end: 'node',
      cost: Math.min(...names.map((name) => dangerous[name]?.cost ?? 2)),
      text: `${has} may ${may} (${listed(names, 6)})`,
      evidence: those.map(({ one }) => added(place, one)),
      fix: fix(place, 'capability', `Give ${has} no ${listed(names, 6)}`),
    },
  ]
}

function hostNetwork(place: Place): WayOut[] {
  if (!place.spec.hostNetwork) return []
  const text = `${place.title} is on the network of its node: what listens on its loopback, its kubelet, its cloud’s metadata service`
  return [
    { code: 'host_network', end: 'node-network', cost: 0, text, evidence: [of(place, 'hostNetwork', true)], fix: noHostNetwork(place) },
  ]
}

function hostMemory(place: Place): WayOut[] {
  if (place.spec.hostIPC !== true) return []
  const text = `${place.title} shares memory with the processes of its node, and with other pods that do`
  const remedy = fix(place, 'host-ipc', `Give ${place.title} an IPC namespace of its own (hostIPC: false)`)
  return [{ code: 'host_ipc', end: 'node-memory', cost: 1, text, evidence: [of(place, 'hostIPC', true)], fix: remedy }]
}

const of = (place: Place, path: string, value: unknown): StepEvidence => shown(place.specOf, `${place.specPath}.${path}`, value)
const added = (place: Place, one: Container): StepEvidence =>
  of(place, `containers[${one.at}].security.capabilitiesAdded`, (one.security?.capabilitiesAdded ?? []).join(', '))
const fix = (place: Place, what: string, text: string): Fix => fixed(`${what}/${place.name}`, text, place.ref)
const containersOf = (place: Place, those: readonly { name: string }[]): string =>
  `container${those.length === 1 ? '' : 's'} ${listed(those.map(({ name }) => name))} of ${place.title}`

const notRoot = ({ security }: DeclaredContainer): boolean =>
  security !== undefined && (security.runAsNonRoot === true || (security.runAsUser !== null && security.runAsUser !== 0))

/** Capabilities it has besides the usual ones and can use, without their prefix. */
function usable(one: DeclaredContainer): string[] {
  if (one.security === undefined || (notRoot(one) && one.security.allowPrivilegeEscalation === false)) return []
  const names = one.security.capabilitiesAdded.map((name) => name.toUpperCase().replace(/^CAP_/, ''))
  return names.includes('ALL') ? [...Object.keys(dangerous), 'SYS_PTRACE'] : names
}

/** Runtimes give NET_RAW to every container that does not drop it. Of what was recorded before this was looked at nothing is said. */
export function mayForgePackets({ init, privileged: all, security, ...rest }: DeclaredContainer): boolean {
  if (init || security === undefined) return false
  const plain = (names: readonly string[]): string[] => names.map((name) => name.toUpperCase().replace(/^CAP_/, ''))
  const has = (names: readonly string[]): boolean => plain(names).some((name) => name === 'NET_RAW' || name === 'ALL')
  const usableByUser = !notRoot({ init, privileged: all, security, ...rest }) || security.allowPrivilegeEscalation !== false
  return all || (usableByUser && (has(security.capabilitiesAdded) || !has(security.capabilitiesDropped)))
}
