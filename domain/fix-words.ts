/** What is said alike of a fix on a page and on a terminal: which reasons move it, which image it is about, whether a fixed version is known. Pure. */

/** That the internet leads to it is said before all else. */
const doors: readonly string[] = ['alert_at_the_door', 'internet_reachable', 'internet_path']
export const isDoor = ({ code }: { code: string }): boolean => doors.includes(code)

/** Those that move it: a door first, then the strongest. */
export const movingReasons = <Reason extends { code: string; factor: number }>(reasons: readonly Reason[]): Reason[] =>
  reasons
    .filter(({ factor }) => factor !== 1)
    .toSorted((a, b) => Number(isDoor(b)) - Number(isDoor(a)) || Math.abs(Math.log(b.factor)) - Math.abs(Math.log(a.factor)))

/** The short digest, when it is about one image and nothing else: two builds go by one name, and only this tells them apart. */
export const imageOfFix = (resources: number, first: { kind: string; key: string } | undefined): string | null =>
  resources === 1 && first?.kind === 'image' ? (/^sha256:([0-9a-f]{12})/.exec(first.key)?.[1] ?? null) : null

const ofVersions: ReadonlySet<string> = new Set(['base_image', 'package', 'flaw'])
/** '' where it is no matter of versions, or one is known of every finding. */
export function versionsKnown({ kind, findings, fixable }: { kind: string; findings: number; fixable: number }): string {
  if (!ofVersions.has(kind) || fixable === findings) return ''
  return fixable === 0 ? '; no fixed version known' : `; a fixed version is known of ${fixable.toLocaleString('en')}`
}
