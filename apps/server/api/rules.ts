/** Operations on Falco’s rules as they are loaded: what an alert’s rule says. */
import { z } from 'zod'
import { ruleAsLoaded, rulesAsLoaded } from '../../../collectors/falco-rules/as-loaded.ts'
import { ScopeName } from '../sources.ts'
import { operation } from './operation.ts'
import { RulesFileView, RuleSummary, ruleSummary, RuleView, ruleView } from './views/rule.ts'

export const ruleOperations = [
  operation({
    id: 'listRules',
    method: 'GET',
    path: '/rules',
    permission: 'incidents.read',
    summary: 'Falco’s rules as it holds them once all its files are loaded',
    query: z.object({ scope: ScopeName.optional().describe('Of this cluster only') }),
    response: z.object({
      rules: z.array(RuleSummary).describe('In the order they are defined'),
      files: z.array(RulesFileView).describe('In the order they are loaded'),
      problems: z.array(z.string()).describe('Of lists, macros and rules that did not come about'),
    }),
    run: async ({ falconer: { db }, query }) => {
      const { rules, ...rest } = await rulesAsLoaded(db, query)
      return { rules: rules.map(ruleSummary), ...rest }
    },
  }),
  operation({
    id: 'getRule',
    method: 'GET',
    path: '/rules/:rule',
    permission: 'incidents.read',
    summary: 'One rule as it is loaded: condition as written and in full, exceptions, and what changed it where',
    query: z.object({ scope: ScopeName.optional().describe('The cluster; needed where several have the rule') }),
    response: RuleView,
    run: async ({ falconer: { db }, params, query }) => ruleView(await ruleAsLoaded(db, params.rule ?? '', query.scope)),
  }),
]
