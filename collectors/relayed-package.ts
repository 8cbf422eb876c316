/** Packages as formats of many products name them: by package URL, or by package manager and platform. Written like every other scanner’s. Pure. */
import type { FindingPackage } from '../domain/finding.ts'
import { bounded } from './cloud-findings.ts'
import { packageFrom, packageKey } from './vulnerability.ts'

type Named = {
  purl?: string
  /** NPM, JAR, OS, … */ manager: string
  /** Of packages of an operating system: UBUNTU_20_04, "alpine 3.10.2". */ platform: string
  name: string
  version: string
  release?: string
  fixedIn: string
  path: string
}

const types: readonly [RegExp, string][] = [
  [/jar|pom|maven|gradle/, 'maven'],
  [/npm|node|yarn/, 'npm'],
  [/pip|poetry|python|pypi|^uv$/, 'pypi'],
  [/bundler|gem/, 'gem'],
  [/^go/, 'golang'],
  [/cargo|rust/, 'cargo'],
  [/composer/, 'composer'],
  [/nuget|dotnet/, 'nuget'],
]

const systems: readonly [RegExp, string, string?][] = [
  [/alpine/, 'apk', 'alpine'],
  [/wolfi/, 'apk', 'wolfi'],
  [/debian/, 'deb', 'debian'],
  [/ubuntu/, 'deb', 'ubuntu'],
  [/amazon|amzn/, 'rpm', 'amazon'],
  [/rhel|red.?hat/, 'rpm', 'redhat'],
  [/centos/, 'rpm', 'centos'],
  [/rocky/, 'rpm', 'rocky'],
  [/alma/, 'rpm', 'alma'],
  [/oracle/, 'rpm', 'oracle'],
  [/fedora/, 'rpm', 'fedora'],
  [/photon/, 'rpm', 'photon'],
  [/apk/, 'apk'],
  [/deb|dpkg|apt/, 'deb'],
  [/rpm|yum|dnf/, 'rpm'],
]

/** A package URL cannot hold half a character. */
const plain = (text: string, most: number): string => bounded(text, most).toWellFormed()

/** Null: it has no name. */
export function relayedPackage({ purl, manager, platform, name, version, release = '', fixedIn, path }: Named): FindingPackage | null {
  if (name === '') return null
  const found = {
    fixedIn: fixedIn === '' || /^not ?available$/i.test(fixedIn) ? [] : [bounded(fixedIn, 200)],
    paths: path === '' ? [] : [bounded(path, 1_000)],
  }
  const known = packageKey(purl)
  if (known !== undefined) return { ...known, name: bounded(name, 500), version: version || null, ...found }
  const full = [version, release].filter((one) => one !== '').join('-')
  const type = types.find(([pattern]) => pattern.test(manager.toLowerCase()))?.[1]
  const system = type === undefined ? systems.find(([pattern]) => pattern.test(`${platform} ${manager}`.toLowerCase())) : undefined
  return {
    ...packageFrom(type ?? system?.[1] ?? 'generic', plain(name, 500), full === '' ? null : plain(full, 200), system?.[2]),
    ...found,
  }
}

/** The same package in several files is one package. */
export function distinct(packages: readonly (FindingPackage | null)[]): FindingPackage[] {
  const known = new Map<string, FindingPackage>()
  for (const one of packages) {
    if (one === null) continue
    const same = known.get(one.key)
    known.set(one.key, same === undefined ? one : { ...same, paths: [...new Set([...same.paths, ...one.paths])].slice(0, 50) })
  }
  return [...known.values()]
}
