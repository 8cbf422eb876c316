/** What a Falco rule looks for. */
import { type Asking, bare } from '../asking.ts'
import type { Asked } from '../asked.ts'
import type { QuestionKind } from '../question.ts'
import { at, observed } from '../say.ts'

type Rule = { name: string; cluster: string; enabled: boolean; problems: string[]; exceptions: string[] }

/** Rules are written with a capital, in several words. */
const named = /^[Ww]hat does (?!the\b|this\b|it\b)([A-Z]\S+(?: \S+){1,8}?) (?:mean|fire|look for|do)\??\s*$/

export const explainRuleQuestion: QuestionKind = {
  name: 'explain-rule',
  examples: ['Explain the rule “Terminal shell in container”', 'Why does rule "Read sensitive file untrusted" fire?'],
  asks: ({ has, text }) =>
    named.test(text) ? 8 : has(/\brules?\b/) && has(/explain|what (does|is)|why (does|did)|mean|look for|condition|fire/) ? 8 : 0,
  answer: async (asked, { ask }) => {
    const rule = await ruleMeant(asked, ask)
    if (rule === null)
      return { sentences: [], notes: ['Say which rule, between quotation marks: explain the rule “Terminal shell in container”.'] }
    const found = await ask<Rule>('explain_rule', { rule, cluster: asked.cluster })
    if (!found.ok) return { sentences: [], unknowns: [found.text] }
    const id = `${found.data.cluster}/${bare(found.data.name)}`
    return {
      sentences: [
        observed`${at('rule', id, 'name')}, priority ${at('rule', id, 'priority')}: ${at('rule', id, 'description')}`,
        observed`Its condition: ${at('rule', id, 'condition')}`,
        ...(found.data.enabled ? [] : [observed`It is not enabled: ${at('rule', id, 'enabled')}.`]),
      ],
      unknowns: found.data.problems.map(bare),
      notes: found.data.exceptions.length === 0 ? [] : [`${found.data.exceptions.length} exceptions are part of it.`],
      links: [{ label: 'The rule in full', path: `/rules/${encodeURIComponent(bare(found.data.name))}` }],
      followUps: ['Which incidents are open?'],
    }
  },
}

async function ruleMeant({ quoted, text, incident }: Asked, ask: Asking['ask']): Promise<string | null> {
  if (quoted !== null) return quoted
  const meaning = named.exec(text)?.[1]
  if (meaning !== undefined) return meaning.trim()
  const ruled = /\brule ((?!that\b|behind\b|of\b|in\b|fire|did\b|does\b)[A-Z][^?]{3,120}?)(?: (?:mean|fire|look for|do)s?)?\??\s*$/
    .exec(text)?.[1]
    ?.trim()
  if (ruled !== undefined) return ruled
  if (incident === null) return null
  const found = await ask<{ rules: { rule: string }[] }>('get_incident', { incident })
  return found.ok ? (found.data.rules[0] === undefined ? null : bare(found.data.rules[0].rule)) : null
}
