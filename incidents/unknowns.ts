/** What of a case is not known, and who would have to look: absent data is never “clean”. In sentences of ours with names of the estate in them. */
import { formatEventTime, fromDate } from '../domain/event-time.ts'
import type { CaseFile } from './case-file.ts'
import type { Looked } from './posture.ts'
import { allOfCloud } from './posture-topics.ts'

export function unknowns(file: CaseFile): string[] {
  const found: string[] = []
  if (file.omitted > 0)
    found.push(
      `${file.omitted} of ${file.incident.alertCount} alerts were counted but not read one by one; the sample keeps each rule’s first and last and the most severe.`,
    )
  const inCloud = allOfCloud(file)
  if (inCloud) found.push(...cloudUnknowns(file))
  else if (file.inventory === null)
    found.push(`Inventory of cluster “${file.incident.scope}” has never been collected: pods, workloads and owners are not known.`)
  else
    found.push(
      `Inventory of cluster “${file.incident.scope}” was last observed at ${formatEventTime(file.inventory.lastNs)}; what changed since is not known.`,
    )
  const unresolved = file.alerts.filter((entry) => entry.context.pod === null && entry.alert.container !== null)
  if (file.inventory !== null && unresolved.length > 0)
    found.push(`${unresolved.length} ${unresolved.length === 1 ? 'alert' : 'alerts'} could not be placed: ${unresolved[0]?.context.how}.`)
  if (file.alerts.some((entry) => entry.context.inferred))
    found.push('Pods are inferred from container ids or names the sensor gave, not from their UIDs.')
  for (const source of file.coverage.filter((one) => one.scope === file.incident.scope && one.lastSeenAt === null))
    found.push(`Source “${source.name}” has never been heard.`)
  for (const { hostname, fromNs, toNs, dropped } of file.lost ?? [])
    found.push(
      `The sensor of host “${hostname}” dropped ${dropped} events between ${formatEventTime(fromNs).slice(0, 19)}Z and ${formatEventTime(toNs).slice(0, 19)}Z: what else happened there may not have been seen.`,
    )
  const usual = usualUnknown(file)
  if (usual !== null) found.push(usual)
  return inCloud ? found : [...found, ...postureUnknowns(file)]
}

/** Of calls in a cloud there is no pod and no image to look for. */
function cloudUnknowns({ alerts, posture: { findings, coverage } }: CaseFile): string[] {
  const unknown = alerts.filter(({ context }) => context.identity === undefined).length
  return [
    'How these credentials came into the hands of whoever used them is not in these records, nor whether it was their owner.',
    ...(unknown === 0 ? [] : [`Of ${unknown} ${unknown === 1 ? 'alert' : 'alerts'} no record says whose credentials were used.`]),
    ...(findings.length > 0 ? [] : ['No scanner has reported on these identities: what else they may do is not known.']),
    ...(coverage.derivedAt === null ? ['Attack steps of the cloud were never derived: whose roles they can take is not known.'] : []),
  ]
}

/** Why nothing can be said of it; null when something can. */
const usualUnknown = (file: CaseFile): string | null =>
  file.baseline.sinceDay === null
    ? `Whether these rules are usual here is not known: no alert of cluster “${file.incident.scope}” of an earlier day has been collected.`
    : null

/** What posture could not say, and who would have to look. */
function postureUnknowns({ posture: { coverage }, incident }: CaseFile): string[] {
  const { looked, withoutImage, waiting, derivedAt } = coverage
  const images = looked.filter(({ kind }) => kind === 'image')
  const found: string[] = []
  if (images.length === 0)
    found.push(
      `Posture (known vulnerabilities, misconfiguration) was not observed: ${withoutImage === 0 ? 'these alerts name no container, so there is no image to look up' : 'inventory does not say which image these alerts came from, so no scan can be matched'}.`,
    )
  else if (withoutImage > 0)
    found.push(`Of ${withoutImage} ${withoutImage === 1 ? 'alert' : 'alerts'} inventory does not say which image they came from.`)
  for (const one of images.slice(0, 5)) found.push(imageUnknown(one))
  const unseen = looked.filter(({ kind, looks }) => kind === 'object' && looks.length === 0)
  if (unseen.length > 0 && unseen.length === looked.length - images.length)
    found.push(`No scanner has looked at the settings of ${named(unseen)}; what is said of them stands on inventory.`)
  if (derivedAt === null)
    found.push(`Attack steps of “${incident.scope}” were never derived: how it can be entered and where it leads is not known.`)
  else if (waiting > 0)
    found.push(
      `Attack steps of ${waiting} parts of the estate are still to be derived; the newest are of ${formatEventTime(fromDate(derivedAt)).slice(0, 19)}Z.`,
    )
  return found
}

function imageUnknown({ title, looks }: Looked): string {
  const flaws = looks.filter(({ covers }) => covers.includes('vulnerability'))
  const newest = flaws.toSorted((a, b) => (a.lookedNs > b.lookedNs ? -1 : 1))[0]
  if (newest === undefined)
    return looks.length === 0
      ? `No scanner has looked at image “${title}”: its vulnerabilities are not known.`
      : `No scanner has looked at image “${title}” for vulnerabilities.`
  return `Image “${title}” was last looked at by ${newest.scanner} at ${formatEventTime(newest.lookedNs).slice(0, 19)}Z; flaws found since are not known.`
}
const named = (all: readonly Looked[]): string =>
  `${all
    .slice(0, 2)
    .map(({ title }) => `“${title}”`)
    .join(', ')}${all.length > 2 ? ` and ${all.length - 2} more` : ''}`
