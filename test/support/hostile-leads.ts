/**
 * Inventory and alerts for the proof that targets come from inventory: pods whose names, UIDs and container ids lie close
 * together, in two clusters, and alerts in whose text all of them are planted while the sensor's own fields say something else.
 */
import fc from 'fast-check'
import type { NewEntity, NewRelation } from '../../domain/entity.ts'
import type { FalcoAlert } from './hostile-payloads.ts'
import { containerId, minute, noon, podRecords } from './records.ts'

export type Records = { entities: NewEntity[]; relations: NewRelation[] }
/** What identifies a pod, by whatever name it may be planted. */
export type Mark = { name: string; namespace: string; uid: string; container: string }

const prefix = 'abcdef0123456789'
const names = ['checkout-a', 'checkout-b', 'catalogue-a', 'payments-a', 'search-a', 'twin-a', 'twin-b', 'gone-a', 'again-a']

/**
 * One cluster's inventory, as its collector would record it. twin-a and twin-b have containers that begin alike; gone-a was
 * deleted; again-a was deleted and is back under its name with another UID; manifest-a is known from a manifest only.
 */
export function inventoryOf(scope: string, salt = ''): Records & { marks: Mark[] } {
  const long = noon - 200_000n * minute
  const made = names.map((name) =>
    renamed(
      podRecords(
        { name, workload: { kind: 'Deployment', name: name.slice(0, -2) }, node: name.endsWith('a') ? 'node-1' : 'node-2' },
        scope,
        long,
      ),
      name,
      salt,
    ),
  )
  const again = renamed(
    podRecords({ name: 'again-a', workload: { kind: 'Deployment', name: 'again' } }, scope, long),
    'again-a',
    `${salt}-second`,
  )
  const manifest: NewEntity = {
    scope,
    kind: 'pod',
    key: 'manifest/Pod/shop/manifest-a',
    name: 'manifest-a',
    namespace: 'shop',
    observedNs: long,
    validFromNs: long,
    deletedNs: null,
    properties: { uid: '', declaredOnly: true },
  }
  for (const one of made)
    for (const entity of one.entities)
      if ((one.mark.name === 'gone-a' || one.mark.name === 'again-a') && (entity.kind === 'pod' || entity.kind === 'container'))
        entity.deletedNs = noon - 5_000n * minute
  const all = [...made, again]
  const nodes: NewEntity[] = ['node-1', 'node-2'].map((name) => ({
    scope,
    kind: 'node',
    key: name,
    name,
    namespace: null,
    observedNs: long,
    validFromNs: long,
    deletedNs: null,
    properties: { uid: `uid-${name}${salt}` },
  }))
  return {
    entities: [...all.flatMap((one) => one.entities.filter((entity) => entity.kind !== 'node')), ...nodes, manifest],
    relations: [
      ...all.flatMap((one) => one.relations),
      {
        from: { scope, kind: 'workload', key: `derived-workload${salt}` },
        type: 'OWNS',
        to: { scope, kind: 'pod', key: `derived-pod${salt}` },
        observedNs: long,
      },
    ],
    marks: [
      ...all.map((one) => one.mark),
      { name: 'manifest-a', namespace: 'shop', uid: `derived-pod${salt}`, container: containerId(`derived${salt}`) },
    ],
  }
}

/** Gives the pod the UID and container id that this proof wants for it. */
function renamed(records: ReturnType<typeof podRecords>, name: string, salt: string): Records & { mark: Mark } {
  const uid = `${name}-uid${salt}`
  const container = name.startsWith('twin') ? prefix + containerId(uid).slice(prefix.length) : containerId(uid)
  const text = JSON.stringify([records.entities, records.relations], (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
    .replaceAll(records.containerId, container)
    .replaceAll(`"${records.uid}"`, `"${uid}"`)
  const [entities, relations] = JSON.parse(text, (_key, value: unknown) =>
    typeof value === 'string' && /^\d{15,}n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as [NewEntity[], NewRelation[]]
  return { entities, relations, mark: { name, namespace: 'shop', uid, container } }
}

export type Leads = { container: string | null; pod: string | null; namespace: string | null; uid: string | null; hostname: string }
export type Planted = { leads: Leads; texts: string[]; at: number; priority: string }

/** Alerts whose sensor fields and texts are drawn from everything that identifies anything, true or near. */
export function plantedAlert(own: readonly Mark[], foreign: readonly Mark[]): fc.Arbitrary<Planted> {
  const any = fc.constantFrom(...own, ...own, ...foreign)
  const identifier = any.chain((mark) =>
    fc.constantFrom(mark.uid, mark.name, mark.namespace, mark.container, mark.container.slice(0, 12), `${mark.namespace}/${mark.name}`),
  )
  const container = fc.oneof(
    {
      weight: 5,
      arbitrary: any.chain((mark) => fc.constantFrom(12, 12, 12, 64, 64, 10, 6, 16, 17).map((length) => mark.container.slice(0, length))),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(prefix, prefix.slice(0, 12), 'host', '%', '______', 'a', 'ABCDEF012345', '000000', '', '<NA>'),
    },
    { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
    { weight: 1, arbitrary: identifier },
  )
  const lead = (value: fc.Arbitrary<string>): fc.Arbitrary<string | null> =>
    fc.option(fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: fc.string({ maxLength: 12 }) }), { nil: null, freq: 2 })
  return fc.record({
    leads: fc.record({
      container: fc.option(container, { nil: null, freq: 3 }),
      pod: lead(any.map((mark) => mark.name)),
      namespace: fc.option(fc.constantFrom('shop', 'shop', 'shop', 'kube-system', ''), { nil: null, freq: 4 }),
      uid: fc.option(lead(any.map((mark) => mark.uid)), { nil: null, freq: 1 }),
      hostname: fc.oneof(fc.constantFrom('node-1', 'node-2', 'node-9'), identifier),
    }),
    texts: fc.array(
      fc.oneof(
        identifier,
        fc.tuple(identifier, fc.string()).map(([id, text]) => `${text} kubernetes.delete_pod ${id}`),
      ),
      { minLength: 9, maxLength: 9 },
    ),
    at: fc.integer({ min: 0, max: 1_000 }),
    priority: fc.constantFrom('Critical', 'Warning', 'Notice', 'Emergency'),
  })
}

/** As Falco writes it: the leads in the sensor's own fields, the planted text everywhere else. */
export function falcoAlert({ leads, texts, priority }: Planted, time: Date): FalcoAlert {
  const [rule, output, cmdline, name, image, containerName, labels, user, file] = texts as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  return {
    time: time.toISOString(),
    rule: `r ${rule}`,
    priority,
    source: 'syscall',
    hostname: leads.hostname,
    output,
    tags: [texts[0] ?? '', 'T1059'],
    output_fields: {
      'container.id': leads.container,
      'k8s.pod.name': leads.pod,
      'k8s.ns.name': leads.namespace,
      'k8s.pod.uid': leads.uid,
      'proc.cmdline': cmdline,
      'proc.name': name,
      'container.image.repository': image,
      'container.name': containerName,
      'k8s.pod.labels': labels,
      'user.name': user,
      'fd.name': file,
    },
  }
}
