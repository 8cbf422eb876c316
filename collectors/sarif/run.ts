/** What one run of a SARIF report says of itself: its tool, its rules, what it looked at and whether it came to its end. Pure. */
import type { NewAlias } from '../../domain/entity.ts'
import type { FindingClass, NewScan, ResourceRef } from '../../domain/finding.ts'
import { imageAliases, imageResource } from '../resources.ts'
import { cut } from '../words.ts'
import type { Message, Rule, Run, SarifResult } from './shape.ts'

const scannerOf = (run: Run): string =>
  cut(
    run.tool.driver.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, ''),
    100,
  ) || 'unnamed'

/** A run, and what is asked of it for each of its results. */
export type Known = { run: Run; scanner: string; rules: ReadonlyMap<string, Rule> }
export function knownOf(run: Run): Known {
  const rules = [run.tool.driver, ...(run.tool.extensions ?? [])].flatMap((part) => part.rules ?? [])
  // The first of two with one id: the tool’s own before an extension’s.
  return { run, scanner: scannerOf(run), rules: new Map(rules.toReversed().map((rule) => [rule.id, rule])) }
}

/** The rule, wherever it stands: by its index, in the tool or the extension that is named, or by its id, which may have parts behind it (`CA1000/1`). */
export function ruleOf({ run, rules }: Known, result: SarifResult): Rule | undefined {
  const id = result.ruleId || result.rule?.id
  const component = result.rule?.toolComponent?.index ?? -1
  const part = component < 0 ? run.tool.driver : run.tool.extensions?.[component]
  const at = part?.rules?.[result.ruleIndex ?? result.rule?.index ?? -1]
  if (!id || (at !== undefined && (at.id === id || id.startsWith(`${at.id}/`)))) return at
  for (let known = id; known !== ''; known = known.slice(0, Math.max(0, known.lastIndexOf('/')))) {
    const rule = rules.get(known)
    if (rule !== undefined) return rule
  }
  return undefined
}

export function messageOf(run: Run, rule: Rule | undefined, message: Message | null | undefined): string {
  const named = { ...run.tool.driver.globalMessageStrings, ...rule?.messageStrings }
  const id = message?.id ?? ''
  const template = message?.text ?? (Object.hasOwn(named, id) ? named[id]?.text : null) ?? message?.markdown ?? ''
  return template.replaceAll(/\{(\d{1,3})\}/g, (whole, index: string) => message?.arguments?.[Number(index)] ?? whole)
}

const tagsOf = (rule: Rule | undefined): string[] => {
  const tags = rule?.properties?.tags
  return Array.isArray(tags) ? tags.filter((tag): tag is string => typeof tag === 'string').map((tag) => tag.toLowerCase()) : []
}
export const isVulnerabilityId = (id: string): boolean => /^(CVE-\d{4}-\d{4,}|GHSA(-\w{4}){3})/i.test(id)
const finders = /secret|gitleaks|trufflehog|gitguardian|ggshield|noseyparker|talisman/
const ofConfiguration = /checkov|kics|tfsec|terrascan|kubescape|kube-linter|kubelinter|hadolint|polaris|datree/

export function classOf(scanner: string, id: string, rule: Rule | undefined): FindingClass {
  const tags = tagsOf(rule)
  if (isVulnerabilityId(id) || tags.includes('vulnerability')) return 'vulnerability'
  if (tags.includes('secret') || tags.includes('secrets') || finders.test(scanner) || /(^|[./_-])secrets?([./_-]|$)/i.test(id))
    return 'secret'
  if (tags.includes('license')) return 'licence'
  if (tags.includes('misconfiguration') || ofConfiguration.test(scanner)) return 'misconfiguration'
  const flaw = tags.some((tag) => tag === 'security' || /cwe-\d/.test(tag)) || rule?.properties?.['security-severity'] !== undefined
  return flaw ? 'vulnerability' : 'misconfiguration'
}

/** What its rules look for: of a tool that lists only the rules that found something, only those. */
export const coversOf = ({ scanner, rules }: Known): FindingClass[] =>
  rules.size === 0 ? [classOf(scanner, '', undefined)] : [...new Set([...rules.values()].map((rule) => classOf(scanner, rule.id, rule)))]

/** The address without who may read it. */
export const repositoryOf = (run: Run): string | null => {
  const uri = run.versionControlProvenance?.find((one) => one.repositoryUri)?.repositoryUri
  return uri ? cut(uri.replace(/\/\/[^/@]*@/, '//').replace(/\.git$/, ''), 1_000) : null
}

export function imageOf(run: Run, scope: string): ResourceRef | null {
  const { imageID, imageName } = run.properties ?? {}
  if (typeof imageID !== 'string' && typeof imageName !== 'string') return null
  const reference = typeof imageName === 'string' ? cut(imageName, 500) : ''
  return imageResource({ configDigest: typeof imageID === 'string' ? imageID : null, reference }, scope)
}

/** All names of the image, its key first. */
export function namesOf({ properties }: Run, { scanner, observedNs }: NewScan): NewAlias[] {
  const { imageID, repoDigests } = properties ?? {}
  const digests = Array.isArray(repoDigests) ? repoDigests.filter((one) => typeof one === 'string').slice(0, 20) : []
  return imageAliases(
    { configDigest: typeof imageID === 'string' ? imageID : null, repoDigests: digests },
    `${scanner}: repoDigests`,
    observedNs,
  )
}

/** An analysis of one language or folder says nothing of the others. */
export function targetOf(run: Run, scope: string): ResourceRef {
  const image = imageOf(run, scope)
  if (image !== null) return image
  const repository = repositoryOf(run)
  const [, category = ''] = /^(.*)\//s.exec(run.automationDetails?.id ?? '') ?? []
  return {
    kind: 'repository',
    scope,
    key: `${repository ?? '.'}#${cut(category, 500)}`,
    name: cut(repository ?? scope, 500),
    namespace: null,
  }
}

export const timeOf = (run: Run): string | null =>
  run.invocations?.map((one) => one.endTimeUtc ?? one.startTimeUtc).findLast((one) => one) ?? null

export function failureOf(run: Run): string | null {
  if (run.externalPropertyFileReferences?.results?.length) return 'its results are in other files, which are not read'
  if (!run.results) return 'it has no results: the tool did not look'
  for (const one of run.invocations ?? []) {
    const notified = [...(one.toolExecutionNotifications ?? []), ...(one.toolConfigurationNotifications ?? [])]
    const error = notified.find(({ level }) => level === 'error')
    const reason = one.exitCodeDescription || one.exitSignalName || messageOf(run, undefined, error?.message)
    if (one.executionSuccessful === false) return cut(`the tool reports that it failed: ${reason || 'it does not say why'}`, 500)
    if (error !== undefined) return cut(`the tool reports an error: ${messageOf(run, undefined, error.message)}`, 500)
  }
  return null
}
