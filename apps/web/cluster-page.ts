/** Inventory: what collectors recorded of clusters, how fresh it is; and one record with its neighbours and the actions it can be the target of. */
import { html } from 'hono/html'
import { z } from 'zod'
import type { Entity, EntityKind } from '../../domain/entity.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { roleAtLeast } from '../../domain/principal.ts'
import { redactDeep } from '../../domain/redact.ts'
import { actions } from '../../responses/catalog/catalog.ts'
import type { Falconer } from '../server/falconer.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import { csrfField, empty, fact, type Html, inventoryCommand, nothing, plural, timeOf, untrusted } from './parts.ts'

const kinds: readonly EntityKind[] = [
  'pod',
  'workload',
  'node',
  'namespace',
  'service',
  'ingress',
  'network_policy',
  'service_account',
  'role',
  'role_binding',
  'secret',
]
export type ClusterData = {
  freshness: { scope: string; entities: number; pods: number; lastNs: bigint }[]
  kind: EntityKind
  entities: Entity[]
  next: string | null
}

export function clusterPage(falconer: Falconer, who: Who, { freshness, kind, entities, next }: ClusterData): Html {
  const { cluster } = falconer
  return layout(
    { title: 'Inventory', place: 'cluster', who, falconer },
    html`<h1>Inventory</h1>
<div class="card"><dl class="facts">${fact('Cluster', cluster === null ? html`none connected: set <code>FALCONER_KUBECONFIG</code> or <code>FALCONER_IN_CLUSTER</code>` : cluster.reachable ? `${falconer.config.FALCONER_SCOPE}, ${cluster.version}${cluster.simulated ? ', simulated' : ''}; ${cluster.detail}` : `not reachable: ${untrusted(cluster.detail, 200)}`)}${freshness.map((one) => fact(`Recorded of ${untrusted(one.scope, 60)}`, html`${plural(one.entities, 'record')}, ${plural(one.pods, 'pod')}; last observed ${timeOf(one.lastNs)}`))}</dl></div>
${
  freshness.length === 0
    ? empty(
        'No inventory',
        html`<p>Without it alerts cannot be tied to pods, and no action has a target. Import a dump:</p><pre><code>${inventoryCommand}</code></pre>`,
      )
    : html`<div class="filters">${kinds.map((one) => html`<a href="/cluster?kind=${one}"${one === kind ? html` aria-current="true"` : nothing}>${one.replace('_', ' ')}</a>`)}</div>
${entities.length === 0 ? html`<p class="quiet">None recorded.</p>` : html`<div class="card"><ul class="rows">${entities.map((entity) => html`<li><a class="row" href="/cluster/${entity.id.toString()}"><span class="quiet">${untrusted(entity.namespace ?? entity.scope, 60)}</span><span class="title">${untrusted(entity.name, 160)}</span><span class="aside quiet">${untrusted(String(entity.properties.phase ?? entity.properties.workloadKind ?? entity.properties.type ?? ''), 40)}</span></a></li>`)}</ul></div>`}
${next === null ? nothing : html`<p><a class="button second" href="/cluster?kind=${kind}&after=${next}">More</a></p>`}`
}`,
  )
}

export function entityPage(falconer: Falconer, who: Who, entity: Entity, owners: readonly Entity[], containers: readonly Entity[]): Html {
  const possible = actions.filter((action) => action.targets.includes(entity.kind as 'pod'))
  const recorded = entity.origin === 'inventory' && entity.deletedNs === null && entity.properties.declaredOnly !== true
  return layout(
    { title: entity.name, place: 'cluster', who, falconer },
    html`<p class="crumb"><a href="/cluster?kind=${entity.kind}">Inventory</a> / ${entity.kind}</p><h1>${entity.namespace === null ? '' : `${untrusted(entity.namespace, 80)}/`}${untrusted(entity.name, 160)}</h1>
<p class="headline"><a href="/graph?node=${entity.id.toString()}">Map of what is around it</a></p>
<div class="columns"><section class="card"><h2>As recorded</h2><pre><code>${untrustedLines(entity.properties)}</code></pre></section><aside><section class="card"><dl class="facts">${fact('Kind', entity.kind)}${fact('Key', html`<span class="mono">${untrusted(entity.key, 200)}</span>`)}${fact('Cluster', untrusted(entity.scope, 80))}${fact('Observed', html`${timeOf(entity.firstNs)} – ${timeOf(entity.lastNs)}`)}${entity.deletedNs === null ? nothing : fact('Gone since', timeOf(entity.deletedNs))}${owners.filter((one) => one.id !== entity.id).map((owner) => fact('Owned by', html`<a href="/cluster/${owner.id.toString()}">${untrusted(String(owner.properties.workloadKind ?? owner.kind), 40)} ${untrusted(owner.name, 120)}</a>`))}${containers.map((one) => fact('Container', html`<span class="mono">${untrusted(one.key.slice(0, 12), 12)}</span> ${untrusted(one.name, 80)}`))}</dl></section>
${possible.length > 0 && recorded && roleAtLeast(who.principal.role, 'investigator') ? html`<section class="card"><h2>Propose an action</h2>${possible.map((action) => html`<details class="more" id="act-${action.name.replace('.', '-')}"><summary>${action.title}</summary><p class="quiet">${action.description}</p><form method="post" action="/proposals">${csrfField(who.csrf)}<input type="hidden" name="action" value="${action.name}"><input type="hidden" name="entityId" value="${entity.id.toString()}">${paramsOf(action).map(({ name, title, usual }) => html`<label for="${action.name}-${name}">${title}</label><input type="number" id="${action.name}-${name}" name="param:${name}"${usual === undefined ? nothing : html` placeholder="${usual}"`}>`)}<label for="${action.name}-reason">Reason</label><input type="text" id="${action.name}-reason" name="reason" required maxlength="2000"><div class="actions"><button class="second">Plan it</button></div></form></details>`)}</section>` : nothing}</aside></div>`,
  )
}

/** An action's parameters, with what it takes when a field is left empty. */
function paramsOf({ params }: (typeof actions)[number]): { name: string; title: string; usual: string | undefined }[] {
  const { properties = {} } = z.toJSONSchema(params, { io: 'input' })
  return Object.entries(properties).map(([name, schema]) => {
    const { description, default: usual } = typeof schema === 'object' ? schema : {}
    return { name, title: description ?? name, usual: usual === undefined ? undefined : String(usual) }
  })
}

const untrustedLines = (value: unknown): string =>
  JSON.stringify(JSON.parse(stringifyExact(redactDeep(value))), null, 2)
    .split('\n')
    .map((line) => untrusted(line, 600))
    .join('\n')
