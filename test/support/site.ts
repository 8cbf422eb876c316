/**
 * A whole Falconer in this process, asked through its real app: somebody of every role signed in, and a token of each. Its
 * loops stand still (`settle` does their work), its clock is the test's, its log lines are kept.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Asking } from '../../apps/server/asking.ts'
import { composeFalconer, type Falconer } from '../../apps/server/falconer.ts'
import { type App, createApp } from '../../apps/server/http.ts'
import { createLog } from '../../apps/server/log.ts'
import { addSource } from '../../apps/server/sources.ts'
import { type Actor, createToken, invite, sessionOf, signInWithLink, userPrincipal } from '../../auth/people.ts'
import { type Config, loadConfig } from '../../config/config.ts'
import { FixedClock } from '../../domain/clock.ts'
import { operatorPrincipal, type Role, roles } from '../../domain/principal.ts'
import { planProposal } from '../../responses/plan-requested.ts'
import { loadPolicy } from '../../responses/policy.ts'
import type { Database } from '../../store/database.ts'
import { listProposals } from '../../store/proposals.ts'
import { embeddedDatabase } from './database.ts'
import { recordInventory, type Shop, startShop } from './shop.ts'

export const operator: Actor = { principal: operatorPrincipal, channel: 'cli' }
export type Visitor = { id: string; role: Role; actor: Actor; session: string; csrf: string; cookie: string; token: string }
export type Asked = {
  method?: string
  /** Signed in as; or with a token; or as nobody. */ as?: Visitor | { token: string } | null
  form?: Record<string, string | string[]>
  json?: unknown
  headers?: Record<string, string>
  body?: NonNullable<RequestInit['body']>
  csrf?: string | null
}
export type Site = {
  falconer: Falconer
  app: App
  db: Database
  clock: FixedClock
  people: Record<Role, Visitor>
  /** Of the source “falco”; a test that changes it says so here. */ secret: string
  logged: string[]
  /** Null unless asked for with `shop`. */ shop: Shop | null
  visitor(name: string, role: Role): Promise<Visitor>
  ask(path: string, asked?: Asked): Promise<Response>
  ingest(body: string): Promise<Response>
  /** Correlates, investigates and plans all there is. */ settle(): Promise<void>
  close(): Promise<void>
}
export type SiteOptions = {
  config?: Partial<Record<keyof Config, string>>
  shop?: boolean
  host?: string
  now?: string
  /** What asks a model; none is asked without it. */ asking?: Asking
  /** Closed with the site; an embedded one of its own without it. */ database?: Database
}

export async function openSite({
  config = {},
  shop: wanted = false,
  host = 'localhost',
  now,
  asking,
  database,
}: SiteOptions = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'falconer-site-'))
  const clock = new FixedClock(now ?? '2026-11-23T12:00:00Z')
  const db = database ?? (await embeddedDatabase())
  const settings = loadConfig({ FALCONER_DATA: folder, FALCONER_SCOPE: 'lab', FALCONER_LOG: 'silent', ...config }, {})
  const falconer = await composeFalconer(settings, { clock, database: db, as: 'command', quietMs: 0, asking })
  const logged: string[] = []
  falconer.log = createLog('debug', (line) => logged.push(line))
  const shop = wanted ? await startShop(clock, { policy: loadPolicy() }) : null
  if (shop !== null) {
    falconer.responses = { ...falconer.responses, executor: shop.executor, privateKey: shop.keys.privateKey }
    falconer.cluster = await shop.executor.status()
    await recordInventory(db, clock, 'lab')
  }
  const app = createApp(falconer)
  const { secret } = await addSource(falconer, operator, { name: 'falco', collector: 'falco', scope: 'lab' })
  const visitor = (name: string, role: Role): Promise<Visitor> => comeIn(falconer, name, role)
  const people = {} as Record<Role, Visitor>
  for (const role of roles) people[role] = await visitor(`Somebody ${role}`, role)
  const base = `${config.FALCONER_PUBLIC_URL?.startsWith('https') === true ? 'https' : 'http'}://${host}`
  const ask = async (path: string, asked: Asked = {}): Promise<Response> => app.request(`${base}${path}`, requestOf(host, asked))
  const site: Site = {
    falconer,
    app,
    db,
    clock,
    people,
    secret,
    logged,
    shop,
    visitor,
    ask,
    ingest: (body) => ask(`/ingest/falco/${site.secret}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
    settle: async () => {
      await falconer.settle()
      for (const { id } of await listProposals(db, { states: ['requested'] }, 100))
        await planProposal(falconer.responses, falconer.responses.executor, id)
    },
    close: async () => {
      await falconer.close()
      await shop?.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return site
}

async function comeIn(falconer: Falconer, name: string, role: Role): Promise<Visitor> {
  const link = await invite(falconer.auth, operator, name, role)
  const { token: session } = await signInWithLink(falconer.auth, link.token, 'test')
  const csrf = (await sessionOf(falconer.auth, session))?.csrf ?? ''
  const actor: Actor = { principal: userPrincipal(link.user), channel: 'web' }
  const { token } = await createToken(falconer.auth, actor, { userId: link.user.id, name: 'script', role, days: 30 })
  const cookie = falconer.config.FALCONER_PUBLIC_URL?.startsWith('https') === true ? '__Host-falconer' : 'falconer_session'
  return { id: link.user.id, role, actor, session, csrf, cookie: `${cookie}=${session}`, token }
}

/** What a browser or a program sends; a form and JSON carry the session's token unless `csrf` says otherwise. */
function requestOf(host: string, { method, as = null, form, json, headers = {}, body, csrf }: Asked): RequestInit {
  const session = as !== null && 'csrf' in as ? as : null
  const proof = csrf === undefined ? (session?.csrf ?? null) : csrf
  const sent: Record<string, string> = { host }
  if (session !== null) sent.cookie = session.cookie
  else if (as !== null) sent.authorization = `Bearer ${as.token}`
  if (json !== undefined) {
    sent['content-type'] = 'application/json'
    if (proof !== null) sent['x-csrf-token'] = proof
  }
  if (form !== undefined) sent['content-type'] = 'application/x-www-form-urlencoded'
  const fields = new URLSearchParams()
  for (const [name, value] of Object.entries(form ?? {})) for (const one of [value].flat()) fields.append(name, one)
  if (form !== undefined && proof !== null && form._csrf === undefined) fields.set('_csrf', proof)
  const content = body ?? (json !== undefined ? JSON.stringify(json) : form !== undefined ? fields.toString() : undefined)
  return {
    method: method ?? (content === undefined ? 'GET' : 'POST'),
    headers: { ...sent, ...headers },
    ...(content === undefined ? {} : { body: content, duplex: 'half' }),
    redirect: 'manual',
  } as RequestInit
}
