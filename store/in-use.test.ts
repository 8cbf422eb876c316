import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import type { NewAlert } from '../domain/alert.ts'
import { FixedClock } from '../domain/clock.ts'
import { correlatePending } from '../incidents/pipeline.ts'
import { eachDatabase } from '../test/support/database.ts'
import { imageDigest, running, vulnerable } from '../test/support/image-package.ts'
import { delivery, minute, newAlert, noon, process_ } from '../test/support/records.ts'
import { property } from '../test/support/sizes.ts'
import type { Database } from './database.ts'
import { listFindings } from './finding-search.ts'
import { mostPathsOfImage } from './image-paths.ts'
import { inUse, packagesInUse } from './in-use.ts'
import { accept } from './intake.ts'

const clock = new FixedClock('2026-11-24T10:00:00Z')
let scopes = 0
const newScope = (): string => `use-${(scopes += 1)}`

async function correlateAll(db: Database): Promise<void> {
  while ((await correlatePending(db, clock)).alerts > 0);
}
const saw = (scope: string, containerId: string, what: { run?: string; opened?: string }, at = noon): NewAlert =>
  newAlert({
    scope,
    eventNs: at,
    container: { id: containerId, name: null, image: null },
    process: what.run === undefined ? null : process_({ exepath: what.run }),
    file: what.opened ?? null,
  })

/** What is said of the packages of an image, by their names. */
async function told(db: Database, imageKey: string): Promise<Record<string, string | bigint | null>> {
  const { findings } = await listFindings(db, clock.now(), { resource: imageKey }, { limit: 100 })
  const uses = await inUse(db, { findings: findings.map(({ id }) => id) })
  return Object.fromEntries(
    findings.map(({ id, package: one }) => {
      const use = uses.get(id)
      return [one?.name ?? '', use?.inUse === true ? use.path : (use?.notObservedSinceNs ?? null)]
    }),
  )
}

eachDatabase('packages in use', (database) => {
  it.each<[string, string, { run?: string; opened?: string }, boolean]>([
    ['a binary by its own path', 'usr/local/bin/server', { run: '/usr/local/bin/server' }, true],
    ['another binary is not it', 'usr/local/bin/server', { run: '/usr/local/bin/server2' }, false],
    ['a jar that was opened', '/app/lib/log4j-core-2.14.1.jar', { opened: '/app/lib/log4j-core-2.14.1.jar' }, true],
    ['a file of a Node module', 'app/node_modules/lodash/package.json', { opened: '/app/node_modules/lodash/index.js' }, true],
    ['a file of a scoped one', 'app/node_modules/@a/b/package.json', { opened: '/app/node_modules/@a/b/x/y.js' }, true],
    [
      'of a module that lies inside it',
      'app/node_modules/a/package.json',
      { opened: '/app/node_modules/a/node_modules/b/index.js' },
      false,
    ],
    ['of one whose name begins so', 'app/node_modules/a/package.json', { opened: '/app/node_modules/ab/index.js' }, false],
    ['the application around its modules', 'app/package.json', { opened: '/app/index.js' }, false],
    [
      'a gem',
      'usr/lib/ruby/gems/3.0.0/specifications/rack-2.1.gemspec',
      { opened: '/usr/lib/ruby/gems/3.0.0/gems/rack-2.1/lib/rack.rb' },
      true,
    ],
    ['dpkg’s database', '/var/lib/dpkg/status', { opened: '/var/lib/dpkg/status' }, false],
    ['apk’s database', 'lib/apk/db/installed', { opened: '/lib/apk/db/installed' }, false],
    ['a lock file', 'app/package-lock.json', { opened: '/app/package-lock.json' }, false],
    [
      'what describes a Python package',
      'usr/lib/python3/site-packages/x-1.dist-info/METADATA',
      { opened: '/usr/lib/python3/site-packages/x-1.dist-info/METADATA' },
      false,
    ],
  ])('%s', async (_what, attributed, seen, used) => {
    const [scope, image] = [newScope(), `case-${scopes}`]
    const { containerId, ...pod } = running(scope, 'web-1', image)
    await accept(database(), clock, [pod, vulnerable(imageDigest(image), { it: [attributed] })])
    await accept(database(), clock, [delivery({ alerts: [saw(scope, containerId, seen)] })])
    await correlateAll(database())
    expect(await told(database(), imageDigest(image))).toEqual({ it: used ? (seen.run ?? seen.opened) : noon })
  })

  it('says since when it was not observed: since somebody watches and the image runs; never watched where nobody does', async () => {
    const [watched, unwatched] = [newScope(), newScope()]
    const { containerId, ...pod } = running(watched, 'web-1', 'since', noon - 60n * minute)
    const { containerId: _later, ...laterPod } = running(watched, 'later-1', 'since-later', noon + 30n * minute)
    const { containerId: _other, ...otherPod } = running(unwatched, 'web-1', 'since-unwatched')
    await accept(database(), clock, [pod, laterPod, otherPod])
    for (const image of ['since', 'since-later', 'since-unwatched', 'since-nowhere'])
      await accept(database(), clock, [vulnerable(imageDigest(image), { it: ['usr/bin/it'] })])
    await accept(database(), clock, [delivery({ alerts: [saw(watched, containerId, { run: '/usr/bin/other' }, noon)] })])
    await correlateAll(database())
    expect(await told(database(), imageDigest('since'))).toEqual({ it: noon })
    expect(await told(database(), imageDigest('since-later'))).toEqual({ it: noon + 30n * minute })
    expect(await told(database(), imageDigest('since-unwatched'))).toEqual({ it: null })
    expect(await told(database(), imageDigest('since-nowhere'))).toEqual({ it: null })
  })

  it('is asked by another of the image’s digests, and by image for every package of it', async () => {
    const scope = newScope()
    const { containerId, ...pod } = running(scope, 'web-1', 'aliased')
    const alias = {
      scope: 'global',
      kind: 'image' as const,
      key: imageDigest('aliased'),
      alsoKey: imageDigest('index'),
      because: 'trivy',
      observedNs: 1n,
    }
    await accept(database(), clock, [
      pod,
      vulnerable(imageDigest('index'), { a: ['usr/bin/a'], b: ['usr/bin/b'] }),
      delivery({ aliases: [alias] }),
    ])
    await accept(database(), clock, [delivery({ alerts: [saw(scope, containerId, { run: '/usr/bin/a' })] })])
    await correlateAll(database())
    expect(await told(database(), imageDigest('index'))).toEqual({ a: '/usr/bin/a', b: noon })
    const [image] = await database().query(
      sql<{ id: bigint }>`select id from entities where kind = 'image' and key = ${imageDigest('aliased')}`,
    )
    const uses = await packagesInUse(database(), [image?.id ?? 0n])
    expect(uses.map((one) => [one.image, one.package, one.use.inUse]).sort()).toEqual([
      [image?.id, 'pkg:generic/a@1', true],
      [image?.id, 'pkg:generic/b@1', null],
    ])
    const filtered = await listFindings(database(), clock.now(), { resource: imageDigest('index'), inUse: true }, { limit: 9 })
    expect(filtered.findings.map((one) => one.package?.name)).toEqual(['a'])
  })

  it('an SBOM’s word on where a package lies counts as a scanner’s does', async () => {
    const scope = newScope()
    const { containerId, ...pod } = running(scope, 'web-1', 'sbom')
    const from = { scope: 'global', kind: 'image' as const, key: imageDigest('sbom') }
    const to = { scope: 'global', kind: 'package' as const, key: 'pkg:generic/it@1' }
    const sbom = { from, type: 'HAS_PACKAGE' as const, to, observedNs: noon, properties: { paths: ['/opt/it'] } }
    await accept(database(), clock, [pod, vulnerable(imageDigest('sbom'), { it: [] }), delivery({ relations: [sbom] })])
    await accept(database(), clock, [delivery({ alerts: [saw(scope, containerId, { run: '/opt//it' })] })])
    await correlateAll(database())
    expect(await told(database(), imageDigest('sbom'))).toEqual({ it: '/opt/it' })
  })

  it('keeps so many paths of an image, counts the others, and still learns when a kept one was seen again', async () => {
    const scope = newScope()
    const { containerId, ...pod } = running(scope, 'web-1', 'many')
    await accept(database(), clock, [pod])
    const paths = Array.from({ length: mostPathsOfImage + 30 }, (_, n) => `/data/${String(n).padStart(5, '0')}`)
    const send = async (opened: readonly string[], at: bigint): Promise<void> => {
      await accept(database(), clock, [
        delivery({ alerts: opened.map((one, n) => saw(scope, containerId, { opened: one }, at + BigInt(n))) }),
      ])
      await correlateAll(database())
    }
    await send(paths, noon)
    await send(paths.slice(0, 1), noon + 60n * minute)
    const image = sql`(select id from entities where kind = 'image' and key = ${imageDigest('many')})`
    expect(
      await database().query(sql`select count(*)::int as kept, max(last_ns) as newest from image_paths where image_id = ${image}`),
    ).toEqual([{ kept: mostPathsOfImage, newest: noon + 60n * minute }])
    expect(await database().query(sql`select paths::int from image_paths_left_out where image_id = ${image}`)).toEqual([{ paths: 30 }])
  })

  it('the same alerts in any order and batches, inventory and scan early or late, give the same', async () => {
    const names = ['a', 'b', 'c']
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ of: fc.constantFrom(...names, 'x'), at: fc.integer({ min: 0, max: 50 }) }), { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 9 })),
        async (drafts, choices) => {
          const answers = []
          for (const shuffled of [false, true]) {
            const [scope, image] = [newScope(), `any-${scopes}`]
            const { containerId, ...pod } = running(scope, 'web-1', image, noon - 100n * minute)
            const found = vulnerable(imageDigest(image), Object.fromEntries(names.map((name) => [name, [`usr/bin/${name}`]])))
            const alerts = drafts.map(({ of, at }) =>
              delivery({ alerts: [saw(scope, containerId, { run: `/usr/bin/${of}` }, noon + BigInt(at) * 20n * minute)] }),
            )
            const steps = [pod, found, ...alerts].map((one) => ({ one, at: shuffled ? (choices.next().value ?? 0) : 0 }))
            for (const { one, at } of steps.toSorted((a, b) => a.at - b.at)) {
              await accept(database(), clock, [one])
              if (at % 2 === 0) await correlateAll(database())
            }
            await correlateAll(database())
            answers.push(await told(database(), imageDigest(image)))
          }
          expect(answers[1]).toEqual(answers[0])
        },
      ),
      property(200, 15) as fc.Parameters<[unknown, unknown]>,
    )
  })
})
