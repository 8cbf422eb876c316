/** That an image has a package, and where in it, from whoever looked into the image. Pure. */
import type { FindingPackage, ResourceRef } from '../domain/finding.ts'
import type { NewRecord } from '../domain/record.ts'

export function* packageOfImage(
  { kind, scope, key }: ResourceRef,
  found: Pick<FindingPackage, 'key' | 'paths'> | null,
  observedNs: bigint,
): Iterable<NewRecord> {
  if (kind !== 'image' || found === null) return
  const where = found.paths.length > 0 ? { properties: { paths: found.paths } } : {}
  const to = { scope: 'global', kind: 'package' as const, key: found.key }
  yield { kind: 'relation', relation: { from: { scope, kind: 'image', key }, type: 'HAS_PACKAGE', to, observedNs, ...where } }
}
