/**
 * Findings that a Falconer exported (product “Falconer”): they keep their identity, so that what one cluster's Falconer found is the same
 * finding in another's. Anything else that calls itself so is read like every product's. Pure.
 */
import { FindingClass, type NewFinding, ResourceRef } from '../../domain/finding.ts'
import { cut } from '../words.ts'
import type { Ocsf } from './shape.ts'

type Identity = Pick<NewFinding, 'class' | 'check' | 'resource'> & { packageKey: string | null }

export function ownIdentity({ producer, info, resources, vulnerabilities }: Ocsf, scope: string): Identity | null {
  if (producer !== 'falconer') return null
  const found = resources.find(({ type }) => type !== 'package')
  const one = FindingClass.safeParse(info.types[0])
  const kind = ResourceRef.shape.kind.safeParse(found?.type)
  if (found === undefined || found.uid === '' || !one.success || !kind.success || info.analytic.uid === '') return null
  const purl = vulnerabilities[0]?.affected_packages[0]?.purl || (resources.find(({ type }) => type === 'package')?.uid ?? '')
  return {
    class: one.data,
    check: cut(info.analytic.uid, 500),
    resource: {
      kind: kind.data,
      scope: found.labels.includes('scope:global') ? 'global' : scope,
      key: cut(found.uid, 4_000),
      name: cut(found.name || found.uid, 500),
      namespace: found.namespace || null,
    },
    packageKey: purl === '' ? null : cut(purl, 1_000),
  }
}
