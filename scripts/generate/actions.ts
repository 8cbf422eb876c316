/** docs/reference/actions.md: each response action’s manual page, from the action itself. */
import { readFileSync } from 'node:fs'
import type { AnyAction, Rights } from '../../responses/action.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import { loadPolicy } from '../../responses/policy.ts'
import { code, list, page, section, table } from './markdown.ts'
import { fieldsOf } from './schema.ts'
import { commentOf } from './source.ts'

export function render(): Record<string, string> {
  return {
    'docs/reference/actions.md': page(
      'Response actions',
      `Everything Falconer can do to a cluster. Each action is planned with server-side dry runs, shown as the exact requests, approved by a person,
executed once by the executor process, verified by looking at the cluster, and recorded. Rights of all actions together:
[deploy/executor-rbac.generated.yaml](../../deploy/executor-rbac.generated.yaml).`,
      table(
        ['Action', 'Title', 'Kind', 'Impact', 'Destroys evidence'],
        actions.map((one) => [code(one.name), one.title, one.countermeasure, one.impact, one.destroysEvidence ? 'yes' : 'no']),
      ),
      ...actions.map(describe),
    ),
  }
}

function describe(action: AnyAction): string {
  const { name, title, description, targets, countermeasure, impact, destroysEvidence, permissions } = action
  const params = fieldsOf(action.params)
  const policy = loadPolicy().actions[name]
  return section(
    `${title} (${code(name)})`,
    description,
    aboutOf(name),
    list([
      `Target: ${targets.join(', ')}`,
      `Kind: ${countermeasure}; impact: ${impact}${destroysEvidence ? '; destroys evidence, which is therefore stored first' : ''}`,
      policy === undefined
        ? 'In the built-in policy: off'
        : `In the built-in policy: approved by ${policy.quorum === 1 ? 'one' : policy.quorum} ${policy.approvers}${policy.proposerExcluded ? ', not by whoever proposed it' : ''}`,
    ]),
    '### Parameters',
    params.length === 0
      ? 'None.'
      : table(
          ['Parameter', 'What it is', 'Value', 'Default'],
          params.map(({ name: param, about, type, preset }) => [code(param), about, type, preset === null ? 'required' : code(preset)]),
        ),
    '### Rights the executor needs',
    table(['API group', 'Resource', 'Verbs'], permissions.map(right)),
  )
}

const right = ({ apiGroup, resource, verbs }: Rights): string[] => [apiGroup === '' ? 'core' : apiGroup, code(resource), verbs.join(', ')]

/** The comment above the action’s export: what it keeps safe, and why so. */
function aboutOf(name: string): string {
  const [system = '', verb = ''] = name.split('.')
  const file = `responses/catalog/${system}/${verb.replaceAll('_', '-')}.ts`
  return commentOf(
    readFileSync(file, 'utf8'),
    verb.replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase()),
  )
}
