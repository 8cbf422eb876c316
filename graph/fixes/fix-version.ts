/**
 * Which version to update to, from what findings name. Versions are compared number by number, as all kinds of packages roughly agree: a hint
 * for a person, never a proof that a version has a fix.
 */

/** Negative: `a` comes before `b`. An epoch counts first; what comes after ~ or - counts less than nothing. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [parts(a), parts(b)]
  for (let at = 0; at < Math.max(x.length, y.length); at += 1) {
    const order = comparePart(x[at], y[at])
    if (order !== 0) return order
  }
  return 0
}

const parts = (version: string): string[] => {
  const [, epoch = '0', rest = ''] = /^(?:(\d+):)?(.*)$/.exec(version.replace(/^[vV](?=\d)/, '')) ?? []
  return [epoch, ...(rest.match(/\d+|[a-z]+|~/gi) ?? [])]
}
const early = /^(?:~|rc|alpha|beta|pre|preview|dev|snapshot)$/i
function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  const [x, y] = [rank(a), rank(b)]
  if (x !== y) return x - y
  if (/^\d/.test(a ?? '') && /^\d/.test(b ?? ''))
    return BigInt(a as string) < BigInt(b as string) ? -1 : BigInt(a as string) > BigInt(b as string) ? 1 : 0
  return (a ?? '') < (b ?? '') ? -1 : 1
}
/** "1.0-rc1" < "1.0" < "1.0k" < "1.0.1" */
const rank = (part: string | undefined): number => (part === undefined ? 1 : early.test(part) ? 0 : /^\d/.test(part) ? 3 : 2)

/** The least version that has every fix: of each finding the first of its fixed versions after the installed one, of these the greatest. */
export function versionWithAll(installed: string | null, fixedIn: readonly (readonly string[])[]): string | null {
  const wanted = fixedIn.flatMap((versions) => {
    const sorted = versions.filter((one) => one !== '').toSorted(compareVersions)
    const found = (installed === null ? undefined : sorted.find((one) => compareVersions(one, installed) > 0)) ?? sorted.at(-1)
    return found === undefined ? [] : [found]
  })
  return wanted.toSorted(compareVersions).at(-1) ?? null
}

/** "1.2.3" of pkg:npm/left-pad@1.2.3 */
export function versionOfKey(packageKey: string): string | null {
  const at = packageKey.lastIndexOf('@')
  const version = at < 0 ? '' : packageKey.slice(at + 1)
  if (version === '' || version.includes('/')) return null
  try {
    return decodeURIComponent(version)
  } catch {
    return version
  }
}
