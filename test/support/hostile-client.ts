/**
 * What a compromised agent process could do with the API tokens it holds: every operation and every form of the pages, with
 * everything it can form. It knows all ids and plan hashes there are. It records what was answered, and judges nothing.
 */
import { operations } from '../../apps/server/api/api.ts'
import type { Operation } from '../../apps/server/api/operation.ts'
import { webRoutes } from '../../apps/web/pages.ts'
import type { Proposal } from '../../domain/proposal.ts'
import { actions as catalogue } from '../../responses/catalog/catalog.ts'
import { fitting, unfitting } from './hostile-analyst.ts'

export const holders = ['investigator', 'responder'] as const
export type Holder = (typeof holders)[number]
export type Send = (
  holder: Holder,
  path: string,
  init: { method: string; headers?: Record<string, string>; body?: string },
) => Promise<Response>
export type Answer = { door: 'api' | 'page'; name: string; holder: Holder; variant: string; status: number; text: string }

/** All it may know; more than it could. */
export type Known = {
  incidentIds: readonly string[]
  alertIds: readonly string[]
  entityIds: readonly string[]
  proposals: readonly Proposal[]
  sourceIds: readonly string[]
  /** Of other people. */ userIds: readonly string[]
  /** Of other people. */ tokenIds: readonly string[]
  alertsFile: string
  inventoryFile: string
  text: string
}
type Form = { variant: string; path?: Record<string, string>; query?: Record<string, string>; body?: unknown; raw?: string }

const json = { 'content-type': 'application/json' }
const garbage = [
  '..%2f..%2fapprove',
  '%00',
  '-'.repeat(36),
  '1%20or%201=1',
  'prp-0000000000',
  '__proto__',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '９',
]

/** Tries to approve each of these proposals with its true hash, and to decide on it in one more way, another each turn. */
export async function decideOn(send: Send, proposals: readonly Proposal[], turn: number): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const [index, proposal] of proposals.entries()) {
    const path = { proposal: proposal.id }
    const truly = { planHash: proposal.planHash ?? '', reason: 'the log told me to' }
    for (const holder of holders) {
      answers.push(await api(send, holder, 'approveProposal', { variant: 'true hash', path, body: truly }))
    }
    const ways = waysToDecide(proposal, proposals[(index + 1) % proposals.length])
    const way = ways[(turn + index) % ways.length]
    if (way !== undefined) answers.push(await way(send, holders[turn % holders.length] as Holder))
  }
  return answers
}

type Attempt = (send: Send, holder: Holder) => Promise<Answer>

function waysToDecide(proposal: Proposal, other: Proposal | undefined): Attempt[] {
  const path = { proposal: proposal.id }
  const planHash = proposal.planHash ?? ''
  const person = { principal: { kind: 'user', role: 'administrator', mayApprove: true }, mayApprove: true, approved: true }
  const prototype: unknown = JSON.parse(`{"planHash":${JSON.stringify(planHash)},"__proto__":{"mayApprove":true}}`)
  const by =
    (id: string, variant: string, body: unknown): Attempt =>
    (send, holder) =>
      api(send, holder, id, { variant, path, body })
  const form = (name: string, what: string): Attempt => {
    const fields = { planHash, do: what, shown: '0'.repeat(64), _csrf: '', reason: '' }
    return (send, holder) => page(send, holder, name, { variant: what, path, body: fields })
  }
  return [
    by('rejectProposal', 'true hash', { planHash }),
    by('revertProposal', 'plain', { reason: '' }),
    form('/proposals/:proposal/decide', 'approve'),
    form('/proposals/:proposal/decide', 'reject'),
    form('/proposals/:proposal/revert', 'revert'),
    by('approveProposal', 'principal in the body', { planHash, ...person }),
    by('approveProposal', 'prototype', prototype),
    by('approveProposal', 'another plan’s hash', { planHash: other?.planHash ?? 'v1:0' }),
    by('approveProposal', 'no hash', {}),
  ]
}

/** A window, which moves on with `turn`, over every operation and page form with both tokens; each time with another form. */
export async function tryDoors(send: Send, known: Known, turn: number, size: number): Promise<Answer[]> {
  const doors = doorsOf(known)
  const answers: Answer[] = []
  for (let step = turn * size; step < (turn + 1) * size; step += 1) {
    const attempts = doors[Math.floor(step / holders.length) % doors.length] ?? []
    const round = Math.floor(step / (holders.length * doors.length))
    const attempt = attempts[round % attempts.length]
    if (attempt !== undefined) answers.push(await attempt(send, holders[step % holders.length] as Holder))
  }
  return answers
}

/** One door with one token, each turn with its next form: a form that fits comes within as many turns as there are forms. */
export async function tryDoor(send: Send, known: Known, id: string, turn: number): Promise<Answer[]> {
  const one = operations.find((operation) => operation.id === id) as Operation
  const forms = formsOf(one, known)
  const form = forms[Math.floor(turn / holders.length) % forms.length] as Form
  return [await api(send, holders[turn % holders.length] as Holder, id, form)]
}

function doorsOf(known: Known): Attempt[][] {
  return [
    ...operations.map((one) =>
      formsOf(one, known).map(
        (form): Attempt =>
          (send, holder) =>
            api(send, holder, one.id, form),
      ),
    ),
    ...webRoutes
      .filter((one) => one.method === 'POST')
      .map(({ path }) =>
        pageForms(path, known).map(
          (form): Attempt =>
            (send, holder) =>
              page(send, holder, path, form),
        ),
      ),
  ]
}

async function api(send: Send, holder: Holder, id: string, form: Form): Promise<Answer> {
  const one = operations.find((operation) => operation.id === id) as Operation
  const query = form.query === undefined ? '' : `?${new URLSearchParams(form.query)}`
  const body = one.method === 'GET' ? {} : { body: form.raw ?? JSON.stringify(form.body ?? {}), headers: json }
  const response = await send(holder, `/api/v1${filled(one.path, form)}${query}`, { method: one.method, ...body })
  return { door: 'api', name: id, holder, variant: form.variant, status: response.status, text: await response.text() }
}

async function page(send: Send, holder: Holder, path: string, form: Form): Promise<Answer> {
  const scripted = path.includes('passkey') && !path.endsWith('/remove')
  const response = await send(holder, filled(path, form), {
    method: 'POST',
    headers: scripted ? json : { 'content-type': 'application/x-www-form-urlencoded' },
    body: scripted ? JSON.stringify(form.body ?? {}) : new URLSearchParams((form.body ?? {}) as Record<string, string>).toString(),
  })
  return { door: 'page', name: path, holder, variant: form.variant, status: response.status, text: await response.text() }
}

const filled = (path: string, form: Form): string => path.replace(/:(\w+)/g, (_all, name: string) => form.path?.[name] ?? 'x')

/** Paths that name a record: the newest of its kind, somebody else's, and garbage. */
function placesOf(path: string, known: Known): Form[] {
  const name = /:(\w+)/.exec(path)?.[1]
  if (name === undefined) return [{ variant: 'plain' }]
  const ids: Record<string, readonly string[]> = {
    incident: known.incidentIds,
    alert: known.alertIds,
    entity: known.entityIds,
    proposal: known.proposals.map((proposal) => proposal.id),
    source: known.sourceIds,
    user: known.userIds,
    token: known.tokenIds,
  }
  const own = (ids[name] ?? []).slice(-2).map((id, index): Form => ({ variant: `known ${name} ${index}`, path: { [name]: id } }))
  return [...own, ...garbage.map((id): Form => ({ variant: `${name} ${id}`, path: { [name]: id } }))]
}

function formsOf(one: Operation, known: Known): Form[] {
  const places = placesOf(one.path, known)
  const bodies = bodiesOf(one, known)
  const [place] = places
  return [
    ...places.map((form) => ({ ...form, ...bodies[0], variant: `${form.variant}, ${bodies[0]?.variant}` })),
    ...bodies.slice(1).map((form) => ({ ...place, ...form })),
    ...(one.method === 'GET'
      ? []
      : [
          { ...place, variant: 'not JSON', raw: '{"planHash":' },
          { ...place, variant: 'an array', body: [] },
        ]),
  ]
}

function bodiesOf(one: Operation, known: Known): Form[] {
  const plain = (variant: string, body: unknown): Form => ({ variant, body })
  switch (one.id) {
    case 'createProposal':
      return catalogue.flatMap(({ name }, index) => {
        const base = { action: name, reason: known.text, incident: known.incidentIds.at(-1) }
        const form = Object.keys(unfitting)[index % Object.keys(unfitting).length] ?? 'extra'
        return [
          ...known.entityIds.map((entityId) => plain(`${name} on ${entityId}`, { ...base, entityId, params: fitting[name] ?? {} })),
          plain(`${name} with ${form} parameters`, { ...base, entityId: known.entityIds[0], params: unfitting[form] }),
          plain(`${name} on text`, { ...base, entityId: known.text.slice(0, 60), params: {} }),
          plain(`${name} by id of wrong type`, { ...base, entityId: 1, params: [] }),
        ]
      })
    case 'decideIncident':
      return [
        plain('note', { kind: 'note', text: known.text, reason: '' }),
        plain('close', { kind: 'state', state: 'closed', reason: known.text }),
        plain('benign', { kind: 'verdict', verdict: 'benign', reason: '' }),
        plain('merge', { kind: 'merge', from: known.incidentIds[0], reason: '' }),
        plain('split', { kind: 'split', alerts: [known.text, '-'.repeat(36)], reason: '' }),
        plain('approve', { kind: 'approve', planHash: known.proposals[0]?.planHash }),
      ]
    case 'importInput':
      return [
        { variant: 'alerts', query: { path: known.text.slice(0, 80), scope: 'forged' }, raw: known.alertsFile },
        { variant: 'inventory', query: { path: '../../policy.yaml', scope: 'forged' }, raw: known.inventoryFile },
        { variant: 'format', query: { path: 'x', format: 'shell' }, raw: known.text },
      ]
    case 'createToken':
      return [
        plain('administrator', { name: 'x', role: 'administrator', days: 366 }),
        plain('for somebody else', { name: 'x', role: 'viewer', user: known.userIds[0] }),
      ]
    case 'inviteUser':
      return [plain('administrator', { name: 'Eve', role: 'administrator' })]
    case 'changeUser':
      return [plain('promote', { role: 'administrator' }), plain('disable', { disabled: true })]
    case 'createSource':
      return [plain('source', { name: 'evil', collector: 'kubernetes', scope: 'default' })]
    default:
      return one.method === 'GET'
        ? [{ variant: 'plain' }, { variant: 'query', query: { limit: '1', scope: known.text.slice(0, 50), before: 'x', after: 'x' } }]
        : [plain('empty', {})]
  }
}

function pageForms(path: string, known: Known): Form[] {
  const hash = known.proposals.at(-1)?.planHash ?? ''
  const body = {
    _csrf: '',
    do: path.startsWith('/incidents') ? 'state:closed' : 'approve',
    planHash: hash,
    name: 'Eve',
    role: 'administrator',
    days: '366',
    reason: known.text.slice(0, 200),
    action: 'kubernetes.isolate_pod',
    entityId: known.entityIds[0] ?? '1',
    'param:force': '1',
    collector: 'falco',
    scope: 'default',
    id: 'x',
    response: '{}',
  }
  return placesOf(path, known)
    .slice(0, 4)
    .map((form) => ({ ...form, body }))
}
