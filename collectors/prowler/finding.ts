/** From one result of a check to one finding. Pure. */
import { InputError } from '../../domain/errors.ts'
import type { NewFinding, NewScan, Outcome, ResourceRef } from '../../domain/finding.ts'
import { redactDeep } from '../../domain/redact.ts'
import { accountResource, objectOf, paragraphs, prowlerCheck, resourceOf } from '../cloud-findings.ts'
import { record } from '../loose.ts'
import { clusterResource } from '../resources.ts'
import type { Looked } from '../survey.ts'
import { severityOf } from '../vulnerability.ts'
import { cut, referencesOf } from '../words.ts'
import type { Result } from './result.ts'
import { resultOf } from './shapes.ts'

export function lookedAt(raw: unknown): Looked {
  const { provider, account, accountName, atNs, version } = resultOf(record.parse(raw))
  return { scanner: 'prowler', version, provider, account: provider === 'kubernetes' ? '' : account, name: accountName, atNs, findings: 1 }
}

export const targetOf = ({ provider, account, name }: Looked, scope: string): ResourceRef =>
  provider === 'kubernetes' ? clusterResource(scope, name.replace(/^context: /, '')) : accountResource(provider, account, name, scope)

export function findingOf(result: Result, document: Record<string, unknown>, raw: Uint8Array, scan: NewScan): NewFinding {
  const { outcome, outcomeReason } = outcomeOf(result)
  // Such a check quotes what it looked into, and that may be the secret itself.
  const quotes = /secret/i.test(result.check)
  return {
    scope: scan.scope,
    class: 'misconfiguration',
    check: prowlerCheck(cut(result.check, 200)),
    aliases: result.requirements.filter((one) => one.startsWith('CIS')).slice(0, 20),
    title: cut(result.title || result.check, 500),
    description: paragraphs(result.said, result.description, result.risk),
    remediation: paragraphs(...result.remediation),
    references: referencesOf(result.links),
    severity: severityOf(result.severity),
    outcome,
    outcomeReason,
    resource: whatOf(result, scan.scope),
    package: null,
    cvss: null,
    properties: {
      provider: result.provider,
      account: result.account,
      region: result.region,
      service: result.service,
      resourceType: result.resource.type,
      said: cut(result.said, 1_000),
      requirements: result.requirements.slice(0, 50),
      findingId: cut(result.findingId, 500),
    },
    scan,
    document: redactDeep(
      quotes ? { ...document, resources: undefined, ResourceDetails: undefined, RESOURCE_DETAILS: undefined } : document,
    ),
    raw: quotes ? new Uint8Array() : raw,
  }
}

function outcomeOf({ status, muted }: Result): Pick<NewFinding, 'outcome' | 'outcomeReason'> {
  const known: Record<string, Outcome> = { pass: 'pass', fail: 'fail', manual: 'manual', info: 'manual', muted: 'muted', warning: 'muted' }
  const outcome = known[status.toLowerCase()]
  if (outcome === undefined)
    throw new InputError(`its status is “${cut(status, 60)}”; expected one of PASS, FAIL, MANUAL, INFO, MUTED and WARNING`)
  if (outcome === 'muted') return { outcome, outcomeReason: `Prowler’s status is ${status}: it is in the mute list` }
  if (muted && outcome === 'fail') return { outcome: 'muted', outcomeReason: `Prowler’s status is ${status}, and it is in the mute list` }
  return { outcome, outcomeReason: null }
}

function whatOf({ provider, account, region, resource }: Result, scope: string): ResourceRef {
  if (provider === 'kubernetes') return objectOf(resource, scope)
  return resourceOf({ provider, account, region, id: cut(resource.id, 2_000), name: cut(resource.name, 500) }, scope)
}
