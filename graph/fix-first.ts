/**
 * What to fix first: each change that fixes something, with what it takes away and how urgent that is, derived again when anything it stands on
 * was marked. All of a batch in one transaction, one deriver at a time: in whatever order records came, the same fixes come out.
 */
import type { Clock } from '../domain/clock.ts'
import type { Database } from '../store/database.ts'
import { evidenceOfFixes, stepsOfFixes, type FixEvidence, type FixResource } from '../store/fix-evidence.ts'
import { holdDeriving, spreadPlaceMarks, takeFixes } from '../store/fix-marks.ts'
import { replaceFixes } from '../store/fixes.ts'
import { placesById, placesOfResources, type PlaceOfResource, reconcileLive } from '../store/risk-places.ts'
import { imageResource } from '../collectors/resources.ts'
import { fixFrom } from './fixes/fix-from.ts'
import { reconcileReach } from './fixes/risk-reach.ts'

/** Up to `limit` fixes. Answers how many were derived, and whether there may be more. */
export async function deriveFixes(db: Database, clock: Clock, limit = 200): Promise<{ derived: number; more: boolean }> {
  return db.transaction(async (tx) => {
    if (!(await holdDeriving(tx))) return { derived: 0, more: false }
    await reconcileReach(tx)
    await reconcileLive(tx)
    await spreadPlaceMarks(tx)
    const now = clock.now()
    const ids = await takeFixes(tx, now, limit)
    if (ids.length === 0) return { derived: 0, more: false }
    const [evidence, steps] = [await evidenceOfFixes(tx, ids, now), await stepsOfFixes(tx, ids)]
    const resources = [...evidence].flatMap(([fixId, { resources: all }]) =>
      all.map((resource) => ({ fixId, resource, image: imageOf(resource) })),
    )
    const placed = await placesOfResources(
      tx,
      resources.map(({ resource, image }) => ({
        scope: resource.scope,
        kind: image === null ? resource.kind : 'image',
        key: image ?? resource.key,
        name: nameKey(resource),
      })),
    )
    const byResource = Map.groupBy(placed, ({ at }) => at)
    const placesOf = new Map<FixResource, PlaceOfResource[]>(resources.map(({ resource }, at) => [resource, byResource.get(at) ?? []]))
    const ends = new Map(
      (await placesById(tx, [...new Set(steps.flatMap(({ src, dst }) => [src, dst]))])).map((place) => [place.id, place]),
    )
    const byFix = Map.groupBy(steps, ({ fixId }) => fixId)
    const fixes = ids.flatMap((id) => {
      const own = byFix.get(id) ?? []
      const found = evidence.get(id)
      return found === undefined && own.length === 0
        ? []
        : [fixFrom({ id, evidence: found, steps: own, placesOf, ends, links: linksOf(found) })]
    })
    await replaceFixes(tx, ids, fixes, now)
    return { derived: ids.length, more: ids.length >= limit }
  })
}

/** Of an image, or of a file in one: the image’s key. */
const imageOf = ({ kind, key }: FixResource): string | null =>
  kind === 'image' ? key : kind === 'file' ? (/^(sha256:[0-9a-f]{64}):/.exec(key)?.[1] ?? null) : null
/** How a place that knows no digest would name it. */
const nameKey = (resource: FixResource): string | null =>
  resource.kind !== 'image' || resource.name === '' || /sha256:/.test(resource.name)
    ? null
    : imageResource({ reference: resource.name }, resource.scope).key

/** To find it again when a place that runs one of these changes. */
const linksOf = (evidence: FixEvidence | undefined): { scope: string; kind: string; key: string }[] =>
  (evidence?.resources ?? []).flatMap((resource) => {
    const [image, name] = [imageOf(resource), nameKey(resource)]
    return [
      { scope: resource.scope, kind: image === null ? resource.kind : 'image', key: image ?? resource.key },
      ...(name === null || name === resource.key ? [] : [{ scope: resource.scope, kind: 'image_name', key: name }]),
    ]
  })
