/** Packages as formats of many products name them: by package URL, or by package manager and platform. Written like every other scanner’s. Pure. */
import type { FindingPackage } from '../domain/finding.ts'
import { packageFrom, packageKey, packageType } from './vulnerability.ts'
import { cut } from './words.ts'

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

const otherWords: Readonly<Record<string, string>> = {
  nodepkg: 'node-pkg',
  pythonpkg: 'python-pkg',
  rhel: 'redhat',
  red: 'redhat',
  amzn: 'amazon',
  sles: 'suse',
}
const wordOf = (word: string): string => otherWords[word] ?? word

/** A package URL cannot hold half a character. */
const plain = (text: string, most: number): string => cut(text, most).toWellFormed()

/** Null: it has no name. */
export function relayedPackage({ purl, manager, platform, name, version, release = '', fixedIn, path }: Named): FindingPackage | null {
  if (name === '') return null
  const found = {
    fixedIn: fixedIn === '' || /^not ?available$/i.test(fixedIn) ? [] : [cut(fixedIn, 200)],
    paths: path === '' ? [] : [cut(path, 1_000)],
  }
  const known = packageKey(purl)
  if (known !== undefined) return { ...known, name: cut(name, 500), version: version || null, ...found }
  const full = [version, release].filter((one) => one !== '').join('-')
  const type = packageType(wordOf(manager.toLowerCase().replaceAll('_', '-')))
  const system = wordOf(/[a-z]+/.exec(platform.toLowerCase())?.[0] ?? '')
  const [kind, maker] = type === 'generic' && packageType(system) !== 'generic' ? [packageType(system), system] : [type, undefined]
  return { ...packageFrom(kind, plain(name, 500), full === '' ? null : plain(full, 200), maker), ...found }
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
