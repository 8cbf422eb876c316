/** What no other kind fits: its words, looked for in everything there is, and questions that can be answered. */
import { bare } from '../asking.ts'
import type { QuestionKind } from '../question.ts'
import { at, observed, type Sentence } from '../say.ts'

type Hit = { kind: 'incident' | 'finding' | 'alert' | 'entity' | 'runbook' | 'note'; id: string; title: string }
const most = 6
const unspecific = new Set(
  'a an the and or of in on at to for from by with is are was were be been do does did has have had can could should would will may might i we you me my our us it this that these those what which who whom why how when where there here any some all please tell show give about know find list get explain more if not no yes'.split(
    ' ',
  ),
)

export const anythingElseQuestion: QuestionKind = {
  name: 'anything-else',
  examples: ['reverse shell checkout'],
  asks: () => 0,
  answer: async ({ words, quoted, thing }, { ask }) => {
    const query =
      quoted ??
      thing ??
      words
        .split(' ')
        .filter((word) => word.length > 1 && !unspecific.has(word))
        .join(' ')
        .slice(0, 200)
    const followUps = [
      'What should I fix first?',
      'Which incidents are open?',
      'Is anything silent?',
      'What is waiting for approval?',
      'Is CVE-2021-44228 exploitable here?',
    ]
    const unsure =
      'I am not sure what is asked, and so this is no answer to it: without a model I know a number of questions, some of which stand below.'
    if (query.length < 2)
      return { sentences: [], unsure, notes: ['Ask me about incidents, findings, attack paths, coverage, rules, proposals.'], followUps }
    const found = await ask<{ hits: Hit[]; searched: string }>('search', { query, limit: most })
    if (!found.ok) return { sentences: [], unknowns: [found.text], unsure, followUps }
    const { hits, searched } = found.data
    return {
      sentences: hits.flatMap(said),
      unknowns: [...(hits.length === 0 ? ['Nothing was found by these words.'] : []), `Looked through: ${searched}`],
      unsure: hits.length === 0 ? unsure : `${unsure} What follows is only where its words were found.`,
      links: hits
        .filter(({ kind }) => kind !== 'runbook')
        .slice(0, 3)
        .map(({ kind, id, title }) => ({ label: bare(title).slice(0, 60), path: `/${pages[kind]}/${encodeURIComponent(id)}` })),
      followUps,
    }
  },
}

const pages: Record<Hit['kind'], string> = {
  incident: 'incidents',
  finding: 'findings',
  alert: 'alerts',
  entity: 'cluster',
  runbook: 'runbooks',
  note: 'incidents',
}

function said({ kind, id }: Hit): Sentence[] {
  switch (kind) {
    case 'incident':
      return [observed`Incident ${at('incident', id, 'shortId')}, ${at('incident', id, 'state')}: ${at('incident', id, 'title')}.`]
    case 'note':
      return [observed`A note on incident ${at('incident', id, 'shortId')}: ${at('incident', id, 'title')}.`]
    case 'finding':
      return [observed`Finding ${at('finding', id, 'check')} of ${at('finding', id, 'resource')}.`]
    case 'alert':
      return [observed`Alert ${at('alert', id, 'rule')} at ${at('alert', id, 'eventTime')}.`]
    case 'entity':
      return [observed`Inventory has ${at('entity', id, 'kind')} ${at('entity', id, 'name')}.`]
    case 'runbook':
      return []
  }
}
