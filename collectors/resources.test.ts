import { describe, expect, it } from 'vitest'
import { fileResource, imageAliases, imageResource } from './resources.ts'
import { scanKey } from './scan.ts'

const [config, manifest] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`]

describe('images', () => {
  it('are named by their configuration, else their manifest, else their reference within the cluster', () => {
    const named = { configDigest: config, manifestDigest: manifest, reference: 'app:1' }
    expect(imageResource(named, 'lab')).toMatchObject({ scope: 'global', key: config, name: 'app:1' })
    expect(imageResource({ ...named, configDigest: 'sha256:short' }, 'lab')).toMatchObject({ scope: 'global', key: manifest })
    expect(imageResource({ reference: `app@${manifest}` }, 'lab').key).toBe(manifest)
    expect(imageResource({ reference: 'app:1' }, 'lab')).toMatchObject({ scope: 'lab', key: 'app:1' })
  })

  it.each([
    ['nginx', 'nginx:latest'],
    ['docker.io/library/nginx', 'nginx:latest'],
    ['index.docker.io/library/nginx:alpine', 'nginx:alpine'],
    ['docker.io/bitnami/redis:7', 'bitnami/redis:7'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['registry.example.com/library/app:1', 'registry.example.com/library/app:1'],
    ['images/app.tar.gz', 'images/app.tar.gz'],
  ])('%s is %s', (reference, key) => {
    expect(imageResource({ reference }, 'lab')).toMatchObject({ key, name: reference })
  })

  it('have other names', () => {
    expect(imageAliases({ configDigest: config, repoDigests: [`app@${manifest}`, `x@${config}`] }, 'test', 1n)).toEqual([
      { scope: 'global', kind: 'image', key: config, alsoKey: manifest, because: 'test', observedNs: 1n },
    ])
    expect(imageAliases({ repoDigests: ['REDACTED'] }, 'test', 1n)).toEqual([])
  })
})

it('files are named within what they are in', () => {
  const image = imageResource({ configDigest: config, reference: 'app:1' }, 'lab')
  expect(fileResource('/etc/key', image)).toMatchObject({ kind: 'file', scope: 'global', key: `${config}:etc/key`, name: 'etc/key' })
  expect(fileResource('./etc/key', image)).toEqual(fileResource('etc/key', image))
  expect(fileResource('', image)).toBe(image)
})

it('a scan is told by its report, scope and target', () => {
  const keys = [scanKey('a', 'b', 'c'), scanKey('a', 'b', 'd'), scanKey('a', 'bc', ''), scanKey('a', 'b', 'c')]
  expect(new Set(keys).size).toBe(3)
})
