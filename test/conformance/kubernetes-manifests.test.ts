import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import type { NewRecord } from '../../collectors/collector.ts'
import { type Batch, readInput, type ReadCounts } from '../../collectors/read.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { conformance, filesOf, indexOf } from './data.ts'

/** Kinds that are inventory; every other kind is counted as skipped. */
const inventory = new Set(
  [
    'Pod Deployment ReplicaSet StatefulSet DaemonSet Job CronJob ReplicationController Namespace Node Secret ServiceAccount',
    'Service Ingress NetworkPolicy Role ClusterRole RoleBinding ClusterRoleBinding',
  ].flatMap((kinds) => kinds.split(' ')),
)
const index = indexOf('k8s-manifests')
type Read = { counts: ReadCounts; records: NewRecord[]; dead: Batch['deadLetters']; kinds: string[] }

conformance('manifests as people write them', () => {
  const read = new Map<string, Read>()
  beforeAll(async () => {
    for (const path of await filesOf('k8s-manifests')) {
      const batches: Batch[] = []
      const counts = await readInput(createReadStream(path), {
        path,
        source: { sourceId: null, sourceName: 'import', scope: 'lab', receivedNs: 1_790_000_000_000_000_000n },
        onBatch: async (batch) => {
          batches.push(batch)
        },
      })
      const text = await readFile(path, 'utf8')
      read.set(basename(path), {
        kinds: [...text.matchAll(/^kind: *["']?(\w+)/gm)].map((match) => match[1] ?? ''),
        counts,
        records: batches.flatMap((batch) => batch.records),
        dead: batches.flatMap((batch) => batch.deadLetters),
      })
    }
  })

  it('are in the index, every file of them', () => {
    expect([...read.keys()].sort()).toEqual([...index.keys()].sort())
    expect(index.size).toBeGreaterThan(30)
  })

  it.each([...index])('%s', (file, { records }) => {
    const { counts, dead, records: made, kinds } = read.get(file) as Read
    expect(kinds).toHaveLength(records)
    const known = kinds.filter((kind) => inventory.has(kind))
    expect(dead).toEqual([])
    expect(counts).toMatchObject({ format: 'kubernetes', read: known.length, skipped: records - known.length, deadLetters: 0 })
    const objects = made.flatMap((record) => (record.kind === 'entity' ? [record.entity] : []))
    expect(objects).toHaveLength(known.length)
    // Nothing that was only declared may ever be a target: it has no UID.
    for (const { kind, properties } of objects) if (kind !== 'namespace') expect(properties).toMatchObject({ declaredOnly: true })
  })

  it('leave no secret behind', async () => {
    const stored = stringifyExact([...read.values()].map(({ records }) => records))
    const secrets = (await Promise.all((await filesOf('k8s-manifests')).map((path) => readFile(path, 'utf8'))))
      .flatMap((text) => text.split(/^---$/m))
      .filter((document) => /^kind: Secret$/m.test(document))
      // Its name is known; what stands under data is not.
      .flatMap((document) => document.split(/^(?:data|stringData):.*$/m).slice(1))
      .flatMap((data) =>
        [...(data.split(/^\S/m)[0] ?? '').matchAll(/^ {2}\w+: *["']?([\w+/=]{8,})["']?$/gm)].map((match) => match[1] ?? ''),
      )
    expect(secrets.length).toBeGreaterThan(1)
    expect(secrets.filter((secret) => stored.includes(secret))).toEqual([])
  })
})
