/** What scanners found: of a check, a package, an image or workload, a namespace. */
import { type Asking, bare } from '../asking.ts'
import type { Asked } from '../asked.ts'
import type { QuestionKind, Said } from '../question.ts'
import { at, observed } from '../say.ts'

export type Findings = {
  findings: { id: string; severity: string | null; status: string; package: string | null }[]
  next: string | null
  freshness: string
}
const most = 6

export const findingsQuestion: QuestionKind = {
  name: 'findings',
  examples: [
    'What are the findings of image shop/checkout?',
    'Which critical vulnerabilities are in namespace payments?',
    'Which findings are of packages in use?',
  ],
  asks: ({ has, cve }) =>
    cve !== null
      ? 4
      : has(/findings?\b|vulnerab|vulns?\b|cves?\b|misconfig|what is wrong with|flaws?\b|scan(ned|ner)? (found|result)/)
        ? 7
        : 0,
  answer: async (asked, { ask }) => {
    const found = await ask<Findings>('list_findings', { ...filterOf(asked), limit: most })
    if (!found.ok) return { sentences: [], unknowns: [found.text] }
    const { findings, next, freshness } = found.data
    const namespace = asked.namespace ?? (asked.thing === null ? asked.place : null)
    if (findings.length === 0 && namespace !== null) return ofImagesIn(namespace, bare(freshness), ask)
    return {
      sentences: findings.map(({ id, severity, status, package: of }) => {
        const inPackage = of === null ? [] : [' in ', at('finding', id, 'package')]
        return observed`${at('finding', id, 'check')}${inPackage} of ${at('finding', id, 'resource')}: ${severity ?? 'no severity given'}, ${status}.`
      }),
      unknowns: [
        ...(findings.length === 0
          ? ['No such finding is known. That is not to say that there is none: it holds for what scanners looked at.']
          : []),
        bare(freshness),
      ],
      notes: next === null ? [] : ['There are more: the list is on the page.'],
      links: [
        { label: 'Findings', path: '/findings' },
        ...findings.slice(0, 3).map(({ id }, index) => ({ label: `Finding ${index + 1}`, path: `/findings/${id}` })),
      ],
      followUps: ['What should I fix first?'],
    }
  },
}

type Fixes = { fixes: { id: string; findings: number }[] }

/** Images belong to no namespace, though they run in one: what is found in them is told by the changes that fix it. */
async function ofImagesIn(namespace: string, freshness: string, ask: Asking['ask']): Promise<Said> {
  const found = await ask<Fixes>('what_to_fix_first', { namespace, limit: most })
  const fixes = found.ok ? found.data.fixes.filter(({ findings }) => findings > 0) : []
  return {
    sentences: fixes.map(
      ({ id, findings }) =>
        observed`${findings} ${findings === 1 ? 'finding' : 'findings'} in what runs there, of level ${at('fix', id, 'level')}: ${at('fix', id, 'title')}.`,
    ),
    unknowns: [
      `No finding is of namespace ${namespace} itself.`,
      ...(fixes.length === 0
        ? ['None is known of an image that runs there. That is not to say that there is none: it holds for what scanners looked at.']
        : []),
      freshness,
    ],
    links: [
      { label: 'What to fix first there', path: `/fix-first?${new URLSearchParams({ namespace })}` },
      ...fixes.slice(0, 3).map(({ id }, index) => ({ label: `Change ${index + 1}`, path: `/fix-first/${id}` })),
    ],
    followUps: [`What should I fix first in namespace ${namespace}?`],
  }
}

function filterOf({ thing, namespace, cluster, place, cve, words, has, quoted }: Asked): Record<string, unknown> {
  const severity = ['critical', 'high', 'medium', 'low'].find((one) => words.includes(` ${one} `))
  const of = has(/package/)
    ? { package: quoted ?? /package (?:called |named )?(\S+)/.exec(words)?.[1] }
    : thing === null
      ? {}
      : {
          resource: thing
            .split('/')
            .slice(/^[a-z_]+\/[^/]+\/[^/]+$/.test(thing) ? -1 : 0)
            .join('/'),
        }
  return {
    check: cve,
    ...of,
    namespace: namespace ?? (thing === null ? place : null),
    cluster,
    severity,
    ...(has(/in use|being used|actually used/) ? { inUse: true } : {}),
    ...(has(/misconfig/) ? { class: 'misconfiguration' } : has(/vulnerabilit|vulns?\b|cves?\b/) ? { class: 'vulnerability' } : {}),
    ...(cve === null ? {} : { status: 'any' }),
  }
}
