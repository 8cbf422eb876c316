import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readInput } from '../../collectors/read.ts'
import { systemClock } from '../../domain/clock.ts'
import { InputError } from '../../domain/errors.ts'
import { everyOf } from '../../domain/graph.ts'
import { deriveMarked } from '../../graph/derive.ts'
import { addRecord, emptyDelivery } from '../../store/delivery.ts'
import { accept } from '../../store/intake.ts'
import type { Database } from '../../store/database.ts'
import { embeddedDatabase } from '../support/database.ts'
import { badPods } from '../support/bad-pods.ts'
import { stored, type StoredStep } from '../support/graph-rows.ts'
import { reached } from '../support/graph-world.ts'
import { conformance, filesOf } from './data.ts'

/** Answers which were of no kind that is read. */
async function importInto(db: Database, paths: readonly string[], scope = 'lab'): Promise<string[]> {
  const receivedNs = BigInt(Date.now()) * 1_000_000n
  const unread: string[] = []
  for (const path of paths)
    try {
      await readInput(createReadStream(path), {
        path,
        source: { sourceId: null, sourceName: 'import', scope, receivedNs },
        onBatch: async ({ records }) => {
          const delivery = emptyDelivery({ sourceId: null, scope, receivedNs, inventory: path.includes('k8s-manifests') })
          for (const record of records) addRecord(delivery, record)
          await accept(db, systemClock, [delivery])
        },
      })
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      unread.push(basename(path))
    }
  while ((await deriveMarked(db, systemClock)).more);
  return unread
}

const usual = ['account-token', 'join-network', 'spoof-neighbours']
const endOf = ({ to }: StoredStep): string => (to.kind === 'endpoint' ? (to.key.split('/')[0] ?? '') : to.kind)
const waysOf = (steps: readonly StoredStep[]): string[] =>
  [
    ...new Set(
      steps.flatMap((step) =>
        ['pod', 'workload'].includes(step.from.kind) && !step.from.key.endsWith('/*') && !usual.includes(step.type)
          ? [`${step.type} → ${endOf(step)}`]
          : [],
      ),
    ),
  ].sort()

conformance('attack steps of manifests as people write them', () => {
  describe('badPods', () => {
    let files: string[] = []
    let db: Database
    beforeAll(async () => {
      db = await embeddedDatabase()
      files = (await filesOf('k8s-manifests')).filter((path) => basename(path).startsWith('badpods_'))
      for (const path of files) await importInto(db, [path], basename(path))
    })
    afterAll(() => db.close())
    it('has each variant’s known ways out, and no other', async () => {
      expect(files.length).toBeGreaterThan(20)
      for (const path of files) {
        const variant = /^badpods_([\w-]+)-(?:exec|revshell)-/.exec(basename(path))?.[1] ?? ''
        expect([basename(path), waysOf(await stored(db, basename(path)))]).toEqual([basename(path), badPods[variant]?.ways])
      }
    })
  })

  describe('kubernetes-goat, with what scanners say', () => {
    let steps: StoredStep[] = []
    let db: Database
    beforeAll(async () => {
      db = await embeddedDatabase()
      const reports = (await Promise.all(['trivy', 'kubescape', 'kube-bench'].map(filesOf))).flat()
      const goat = (await filesOf('k8s-manifests')).filter((path) => basename(path).startsWith('goat_'))
      const unread = await importInto(db, [...goat, ...reports])
      // A list of ids of an older format, another program's output; one of goat's files configures kind and another Kyverno.
      expect(unread.length).toBeLessThan(6)
      steps = await stored(db, 'lab')
    })
    afterAll(() => db.close())

    const names =
      'system-monitor health-check hunger-check internal-proxy batch-check cache-store poor-registry kubernetes-goat-home docker-bench kube-bench'.split(
        ' ',
      )
    it('lead from the internet to a node or a Secret through each vulnerable workload that anything reaches', () => {
      const fromOutside = reached(steps, [{ kind: 'internet', key: 'internet' }])
      const told = names.map((name) => {
        const place = steps.find(({ from }) => from.kind === 'workload' && from.key.includes(name))?.from
        const ends = place === undefined ? [] : [...reached(steps, [place])].filter((one) => /^(node|secret) /.test(one))
        const own = steps.filter(({ from }) => from.key === place?.key).map(({ type, to }) => `${type} → ${to.key}`)
        return { name, reachable: place !== undefined && fromOutside.has(`workload ${place.key}`), ends: ends.length, own }
      })
      console.log(
        told
          .map(
            ({ name, reachable, ends, own }) =>
              `${name}: ${reachable ? 'reached from the internet' : 'not reached'}; ${ends} nodes and Secrets beyond; ${own.join(', ')}`,
          )
          .join('\n'),
      )
      const good = told.filter(({ reachable, ends }) => reachable && ends > 0).map(({ name }) => name)
      expect(good).toEqual(expect.arrayContaining(['system-monitor', 'health-check', 'hunger-check', 'internal-proxy']))
      // A Job that names no port and stands behind no service: nothing leads into it over the network.
      expect(told.find(({ name }) => name === 'batch-check')).toMatchObject({ reachable: false })
      expect(fromOutside).toContain(`node ${everyOf('lab', 'node', null).key}`)
      expect(fromOutside).toContain('secret manifest/Secret/default/goatvault')
      expect(fromOutside).toContain('secret manifest/Secret/big-monolith/vaultapikey')
    })
    it('name the account that is administrator, by a role no manifest has', () => {
      expect(steps.filter(({ type }) => type === 'cluster-admin').map(({ from, to }) => [from.key, to.kind])).toEqual([
        ['manifest/ServiceAccount/kube-system/superadmin', 'cluster'],
      ])
    })
  })

  it('of a hardened workload are fewer than of the same one as it comes', async () => {
    const db = await embeddedDatabase()
    const files = await filesOf('k8s-manifests')
    for (const name of ['hardened', 'unhardened'])
      await importInto(
        db,
        files.filter((path) => basename(path) === `inno_juice-${name}.yaml`),
        name,
      )
    const types = async (scope: string): Promise<string[]> => (await stored(db, scope)).map(({ type }) => type)
    const [hardened, unhardened] = [await types('hardened'), await types('unhardened')]
    console.log({ hardened, unhardened })
    expect(hardened.length).toBeLessThan(unhardened.length)
    await db.close()
  })
})
