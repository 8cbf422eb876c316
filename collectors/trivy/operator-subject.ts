/**
 * What a report of the Trivy operator is about: the image of a container, or an object of the cluster. Which object it is, its labels say,
 * or for names that are no labels its annotations; failing both, its owner.
 */
import { InputError } from '../../domain/errors.ts'
import type { FindingClass } from '../../domain/finding.ts'
import { clusterResource, imageResource, kubernetesResource } from '../resources.ts'
import type { OperatorReport } from './shapes.ts'
import type { Image, Subject } from './subject.ts'

const covered: readonly [RegExp, FindingClass][] = [
  [/VulnerabilityReport$/, 'vulnerability'],
  [/ExposedSecretReport$/, 'secret'],
  [/(ConfigAudit|RbacAssessment|InfraAssessment)Report$/, 'misconfiguration'],
  [/ComplianceReport$/, 'compliance'],
]

export function operatorSubject(said: OperatorReport): Subject {
  const { kind, report, status, metadata } = said
  if (!said.apiVersion.startsWith('aquasecurity.github.io/') || !kind.endsWith('Report'))
    throw new InputError(`a ${kind} is no report of the Trivy operator`)
  const covers = covered.find(([pattern]) => pattern.test(kind))?.[1]
  const image = covers === 'vulnerability' || covers === 'secret' ? imageOf(said) : null
  const object = objectOf(said)
  const pending = covers === 'compliance' ? status?.summaryReport == null && status?.detailReport == null : report == null
  const properties =
    image === null || object === null ? {} : { workload: objectKey(object), container: label(said, 'container.name') ?? undefined }
  return {
    version: report?.scanner?.version ?? null,
    at: report?.updateTimestamp ?? status?.updateTimestamp ?? metadata.creationTimestamp ?? null,
    covers: covers === undefined ? null : [covers],
    failed: pending ? 'the operator has not written it yet' : null,
    images: image === null ? [] : [image],
    target: (scope) =>
      image !== null
        ? imageResource(image, scope)
        : covers === 'compliance' || object === null
          ? clusterResource(scope)
          : kubernetesResource(object, scope),
    place(_path, scope) {
      const own = object === null || covers === 'compliance' ? null : kubernetesResource(object, scope)
      const resource = image === null ? (own ?? clusterResource(scope)) : imageResource(image, scope)
      const type = report?.os?.family ?? null
      return {
        resource,
        object: own,
        target: '',
        type,
        distribution: type,
        base: image === null ? null : { baseLayer: image.baseLayer, distribution: image.distribution },
        properties: { ...properties, benchmark: said.spec?.compliance?.id ?? undefined },
      }
    },
  }
}

type KubernetesObject = Parameters<typeof kubernetesResource>[0]
const objectKey = ({ namespace, kind, name }: KubernetesObject): string => `${namespace ?? '-'}/${kind}/${name}`
function objectOf(said: OperatorReport): KubernetesObject | null {
  const owner = said.metadata.ownerReferences?.[0]
  const kind = label(said, 'resource.kind') ?? owner?.kind
  const name = label(said, 'resource.name') ?? owner?.name
  if (kind === undefined || name === undefined) return null
  return { kind, name, namespace: label(said, 'resource.namespace') ?? said.metadata.namespace ?? null }
}
function label({ metadata }: OperatorReport, name: string): string | undefined {
  const key = `trivy-operator.${name}`
  return [metadata.labels?.[key], metadata.annotations?.[key]].find((value) => value !== undefined && value !== '')
}

/** Its digest is the manifest’s when the container names it by digest, else the configuration’s. */
function imageOf({ report, metadata }: OperatorReport): Image | null {
  const { repository, tag, digest } = report?.artifact ?? {}
  if (repository == null || repository === '') {
    if (report == null) return null
    throw new InputError(`${metadata.name} does not say which image it is about ("report.artifact")`)
  }
  const server = report?.registry?.server
  const name = `${server == null || server === '' ? '' : `${server}/`}${repository}`
  const reference = tag == null || tag === '' ? name : `${name}:${tag}`
  const { family, name: release } = report?.os ?? {}
  return {
    manifestDigest: digest,
    reference,
    tags: tag == null || tag === '' ? [] : [reference],
    repoDigests: [],
    distribution: family == null || family === '' ? null : `${family} ${release ?? ''}`.trim(),
    baseLayer: null,
    created: null,
  }
}
