/** Which page stands where, who may see it, and what each form does. Forms call the same functions as the API; nothing is decided here. */
import { Hono } from 'hono'
import { registerPasskey, registrationOptions, authenticationOptions, removePasskey, signInWithPasskey } from '../../auth/passkeys.ts'
import { createToken, invite, newLinkFor, revokeToken, setDisabled, setRole, signInWithLink, signOut } from '../../auth/people.ts'
import { hashSecret } from '../../auth/secrets.ts'
import { type EntityKind, EntityKind as EntityKindSchema } from '../../domain/entity.ts'
import { InputError, NotFoundError } from '../../domain/errors.ts'
import { IncidentState, type Decision } from '../../domain/incident.ts'
import { type Permission, Role } from '../../domain/principal.ts'
import { decide } from '../../incidents/pipeline.ts'
import { approve, reject } from '../../responses/approve.ts'
import { revertProposal } from '../../responses/execute.ts'
import { propose } from '../../responses/propose.ts'
import { listAlerts, getAlert, getAlerts } from '../../store/alerts.ts'
import { listAudit, verifyAudit } from '../../store/audit.ts'
import { listDeadLetters } from '../../store/dead-letters.ts'
import { getEntities, getEntity, inventoryFreshness, listEntities, ownersOf, relatedEntities } from '../../store/entities.ts'
import { countIncidents, decisionsOf, listIncidents, membershipsOf } from '../../store/incidents.ts'
import { investigationsOf, latestReports } from '../../store/investigations.ts'
import { linkIsOpen, listTokens, listUsers, passkeysOf } from '../../store/people.ts'
import { approvalsOf, artifactsOf, countProposals, getArtifact, listProposals } from '../../store/proposals.ts'
import { getSource, listSources } from '../../store/sources.ts'
import { addSource, connectText, disableSource, replay, rotateSecret } from '../server/api/sources.ts'
import { linkUrl } from '../server/api/people.ts'
import type { Falconer } from '../server/falconer.ts'
import { findIncident, findProposal } from '../server/find.ts'
import { baseUrl } from '../server/urls.ts'
import { type AppContext, checkCsrf, clearSession, permit, setSession, SignInError, type Who } from '../server/who.ts'
import { alertPage, alertsPage } from './alert-page.ts'
import { auditPage } from './audit-page.ts'
import { clusterPage, entityPage } from './cluster-page.ts'
import { incidentPage } from './incident-page.ts'
import { incidentsPage } from './incidents-page.ts'
import type { Html } from './parts.ts'
import { accountPage, peoplePage } from './people-page.ts'
import { approvalsPage, proposalPage } from './proposal-page.ts'
import { deadLinkPage, signInPage, useLinkPage } from './sign-in-page.ts'
import { sourcesPage } from './sources-page.ts'

type Form = { get(name: string): string; all(name: string): string[]; names: string[] }
type Shown = Html | Response
export type PageRoute = { method: 'GET' | 'POST'; path: string; permission: Permission }
/** Every page and form with its permission; the architecture test reads it. */
export const pageList: PageRoute[] = []

export function pageRoutes(falconer: Falconer): Hono {
  const { db, auth, responses, clock } = falconer
  const routes = new Hono()
  pageList.length = 0
  const page = (path: string, permission: Permission, show: (context: AppContext, who: Who) => Promise<Shown>): void => {
    pageList.push({ method: 'GET', path, permission })
    routes.get(path, async (given) => {
      const context = given as unknown as AppContext
      return answer(context, await show(context, signedIn(permit(context.get('who'), permission))))
    })
  }
  /** A form of a signed-in person: permission, then CSRF token, then the work. */
  const form = (path: string, permission: Permission, work: (context: AppContext, who: Who, fields: Form) => Promise<Shown>): void => {
    pageList.push({ method: 'POST', path, permission })
    routes.post(path, async (given) => {
      const context = given as unknown as AppContext
      const who = signedIn(permit(context.get('who'), permission))
      const fields = await readForm(context)
      checkCsrf(who, fields.get('_csrf'))
      return answer(context, await work(context, who, fields))
    })
  }
  /** Called by page.js with JSON; the token is in a header. */
  const call = (
    path: string,
    permission: Permission,
    work: (context: AppContext, who: Who | null, body: Record<string, unknown>) => Promise<unknown>,
  ): void => {
    pageList.push({ method: 'POST', path, permission })
    routes.post(path, async (given) => {
      const context = given as unknown as AppContext
      const who = permit(context.get('who'), permission)
      if (permission !== 'public') checkCsrf(who, context.req.header('x-csrf-token'))
      return context.json((await work(context, who, (await context.req.json()) as Record<string, unknown>)) as object)
    })
  }
  const param = (context: AppContext, name: string): string => context.req.param(name as never) ?? ''
  const agent = (context: AppContext): string | null => context.req.header('user-agent') ?? null
  // A passkey belongs to the origin the browser shows; the Host was checked already.
  const site = (context: AppContext): { origin: string } => ({
    origin: falconer.config.FALCONER_PUBLIC_URL === undefined ? `http://${context.req.header('host')}` : new URL(baseUrl(falconer)).origin,
  })

  page('/', 'incidents.read', async (context) => context.redirect('/incidents'))
  page('/incidents', 'incidents.read', async (context, who) => {
    const wanted = context.req.query('show')
    const show = wanted === 'quiet' || wanted === 'closed' ? wanted : 'open'
    const filter =
      show === 'closed'
        ? { state: IncidentState.enum.closed }
        : show === 'quiet'
          ? { maxSeverity: 'low' as const, notClosed: true }
          : { minSeverity: 'medium' as const, notClosed: true }
    const { incidents, next } = await listIncidents(db, filter, { cursor: context.req.query('cursor'), limit: 50 })
    const sources = await listSources(db)
    const falco = sources.find((source) => source.collector === 'falco' && !source.name.endsWith('-import'))
    return incidentsPage(falconer, who, {
      incidents,
      next,
      show,
      sources,
      reports: await latestReports(
        db,
        incidents.map((one) => one.id),
      ),
      counts: await countIncidents(db),
      waiting: (await countProposals(db)).pending ?? 0,
      connect: falco === undefined ? null : connectText(falconer, falco, '<the secret that was shown when the source was made>'),
    })
  })
  page('/incidents/:incident', 'incidents.read', async (context, who) => {
    const incident = await findIncident(db, param(context, 'incident'))
    if (incident.id !== param(context, 'incident')) return context.redirect(`/incidents/${incident.id}`)
    const memberships = (await membershipsOf(db, { incidentId: incident.id })).slice(0, 200)
    const byId = new Map(memberships.map((one) => [one.alertId, one]))
    const alerts = (
      await getAlerts(
        db,
        memberships.map((one) => one.alertId),
      )
    ).map((alert) => ({ ...alert, reasons: byId.get(alert.id)?.reasons ?? [], inferred: byId.get(alert.id)?.context.inferred ?? false }))
    return incidentPage(falconer, who, {
      incident,
      alerts,
      more: incident.alertCount > alerts.length,
      investigations: await investigationsOf(db, incident.id),
      entities: await getEntities(db, incident.entityIds),
      proposals: await listProposals(db, { incidentId: incident.id }, 50),
      decisions: await decisionsOf(db, incident.id),
      others: (await listIncidents(db, { scope: incident.scope }, { limit: 20 })).incidents.filter((one) => one.id !== incident.id),
      people: new Map((await listUsers(db)).map((user) => [user.id, user.name])),
    })
  })
  page('/incidents/:incident/alerts', 'incidents.read', async (context, who) => {
    const incident = await findIncident(db, param(context, 'incident'))
    const { alerts, next } = await listAlerts(db, { incidentId: incident.id }, { cursor: context.req.query('cursor'), limit: 100 })
    return alertsPage(falconer, who, incident.id, alerts, next)
  })
  form('/incidents/:incident/investigate', 'investigations.run', async (context, who) => {
    const incident = await findIncident(db, param(context, 'incident'))
    await falconer.investigateNow(incident.id, who.principal.name)
    return context.redirect(`/incidents/${incident.id}`, 303)
  })
  form('/incidents/:incident/decisions', 'incidents.decide', async (context, who, fields) => {
    const incident = await findIncident(db, param(context, 'incident'))
    const id = await decide(db, clock, who.principal, who.channel, await decisionFrom(falconer, incident.id, fields), fields.get('reason'))
    falconer.changed('incidents')
    return context.redirect(`/incidents/${id}`, 303)
  })
  page('/alerts/:alert', 'incidents.read', async (context, who) => {
    const id = param(context, 'alert')
    const alert = /^[0-9a-f-]{36}$/.test(id) ? await getAlert(db, id) : undefined
    if (alert === undefined) throw new NotFoundError('There is no such alert. It may have been dropped when its retention time was over.')
    const [membership] = await membershipsOf(db, { alertIds: [id] })
    const source = alert.sourceId === null ? undefined : await getSource(db, alert.sourceId)
    return alertPage(
      falconer,
      who,
      alert,
      membership === undefined
        ? null
        : { incidentId: membership.incidentId, how: membership.context.how, sourceName: source?.name ?? null },
    )
  })

  page('/approvals', 'proposals.read', async (_context, who) =>
    approvalsPage(
      falconer,
      who,
      await listProposals(db, { states: ['requested', 'planning', 'pending', 'approved', 'executing', 'reverting'] }, 100),
      await listProposals(
        db,
        { states: ['succeeded', 'partial', 'failed', 'rejected', 'expired', 'superseded', 'unplannable', 'reverted'] },
        30,
      ),
    ),
  )
  page('/proposals/:proposal', 'proposals.read', async (context, who) => {
    const proposal = await findProposal(db, param(context, 'proposal'))
    return proposalPage(falconer, who, {
      proposal,
      approvals: await approvalsOf(db, proposal.id),
      artifacts: await artifactsOf(db, proposal.id),
    })
  })
  page('/proposals/:proposal/artifacts/:artifact', 'proposals.read', async (context) => {
    const artifact = await getArtifact(db, (await findProposal(db, param(context, 'proposal'))).id, param(context, 'artifact'))
    if (artifact === undefined) throw new NotFoundError('There is no such file.')
    return context.body(new Uint8Array(artifact.content), 200, {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${artifact.name.replace(/[^\w.-]/g, '_')}"`,
    })
  })
  form('/proposals', 'proposals.create', async (context, who, fields) => {
    const params = Object.fromEntries(
      fields.names
        .filter((name) => name.startsWith('param:') && fields.get(name) !== '')
        .map((name) => [name.slice('param:'.length), Number(fields.get(name))]),
    )
    const { proposal } = await propose(responses, who, {
      action: fields.get('action'),
      entityId: fields.get('entityId'),
      params,
      reason: fields.get('reason'),
      incidentId: null,
      investigationId: null,
    })
    falconer.changed('proposals')
    return context.redirect(`/proposals/${proposal.id}`, 303)
  })
  form('/proposals/:proposal/decide', 'proposals.decide', async (context, who, fields) => {
    const proposal = await findProposal(db, param(context, 'proposal'))
    const request = {
      proposalId: proposal.id,
      planHash: fields.get('planHash'),
      reason: fields.get('reason'),
      shownDigest: /^[0-9a-f]{64}$/.test(fields.get('shown')) ? fields.get('shown') : null,
    }
    if (fields.get('do') === 'approve') await approve(responses, who, request)
    else if (fields.get('do') === 'reject') await reject(responses, who, request)
    else throw new InputError('Choose to approve or to reject.')
    falconer.changed('proposals')
    return context.redirect(`/proposals/${proposal.id}`, 303)
  })
  form('/proposals/:proposal/revert', 'proposals.revert', async (context, who, fields) => {
    const proposal = await findProposal(db, param(context, 'proposal'))
    await revertProposal(responses, who, proposal.id, fields.get('reason'))
    falconer.changed('proposals')
    return context.redirect(`/proposals/${proposal.id}`, 303)
  })

  const showSources = async (who: Who, over: Partial<Parameters<typeof sourcesPage>[2]> = {}): Promise<Shown> =>
    sourcesPage(falconer, who, {
      sources: await listSources(db),
      deadLetters: await listDeadLetters(db, { limit: 20 }),
      made: null,
      notice: null,
      ...over,
    })
  page('/sources', 'sources.read', (_context, who) => showSources(who))
  form('/sources', 'sources.manage', async (_context, who, fields) => {
    const { source, secret, connect } = await addSource(falconer, who, {
      name: fields.get('name'),
      collector: fields.get('collector'),
      scope: fields.get('scope') || falconer.config.FALCONER_SCOPE,
    })
    return showSources(who, { made: { name: source.name, secret, connect } })
  })
  form('/sources/:source/rotate', 'sources.manage', async (context, who) => {
    const { source, secret, connect } = await rotateSecret(falconer, who, param(context, 'source'))
    return showSources(who, { made: { name: source.name, secret, connect } })
  })
  for (const to of ['disable', 'enable'] as const)
    form(`/sources/:source/${to}`, 'sources.manage', async (context, who) => {
      await disableSource(falconer, who, param(context, 'source'), to === 'disable')
      return context.redirect('/sources', 303)
    })
  form('/dead-letters/:letter/replay', 'sources.manage', async (context, who) => {
    const { accepted, deadLetters } = await replay(falconer, who, param(context, 'letter'))
    return showSources(who, { notice: deadLetters === 0 ? `Read: ${accepted} new.` : 'It still cannot be read.' })
  })

  page('/cluster', 'inventory.read', async (context, who) => {
    const kind: EntityKind = EntityKindSchema.safeParse(context.req.query('kind')).data ?? 'pod'
    const after = context.req.query('after')
    const entities = await listEntities(db, {
      kind,
      limit: 100,
      ...(after !== undefined && /^\d{1,18}$/.test(after) ? { afterId: BigInt(after) } : {}),
    })
    return clusterPage(falconer, who, {
      freshness: await inventoryFreshness(db),
      kind,
      entities,
      next: entities.length === 100 ? (entities.at(-1)?.id.toString() ?? null) : null,
    })
  })
  page('/cluster/:entity', 'inventory.read', async (context, who) => {
    const entity = await getEntity(db, param(context, 'entity'))
    if (entity === undefined) throw new NotFoundError('There is no such inventory record.')
    return entityPage(
      falconer,
      who,
      entity,
      await ownersOf(db, entity.id),
      entity.kind === 'pod' ? await relatedEntities(db, entity.id, 'HAS_CONTAINER', 'out') : [],
    )
  })

  page('/people', 'people.read', async (_context, who) => peoplePage(falconer, who, await listUsers(db), null, null))
  form('/people', 'people.manage', async (_context, who, fields) => {
    const link = await invite(auth, who, fields.get('name'), roleFrom(fields))
    return peoplePage(
      falconer,
      who,
      await listUsers(db),
      { name: link.user.name, url: linkUrl(falconer, link.token), expiresAt: link.expiresAt },
      null,
    )
  })
  form('/people/:user/link', 'people.manage', async (context, who) => {
    const link = await newLinkFor(auth, who, param(context, 'user'))
    return peoplePage(
      falconer,
      who,
      await listUsers(db),
      { name: link.user.name, url: linkUrl(falconer, link.token), expiresAt: link.expiresAt },
      null,
    )
  })
  form('/people/:user/role', 'people.manage', async (context, who, fields) => {
    await setRole(auth, who, param(context, 'user'), roleFrom(fields))
    falconer.changed('people')
    return context.redirect('/people', 303)
  })
  for (const to of ['disable', 'enable'] as const)
    form(`/people/:user/${to}`, 'people.manage', async (context, who) => {
      await setDisabled(auth, who, param(context, 'user'), to === 'disable')
      falconer.changed('people')
      return context.redirect('/people', 303)
    })

  const showAccount = async (who: Who, made: { token: string } | null): Promise<Shown> =>
    accountPage(falconer, who, {
      passkeys: await passkeysOf(db, who.principal.personId),
      tokens: await listTokens(db, who.principal.personId),
      made,
    })
  page('/account', 'tokens.own', (_context, who) => showAccount(who, null))
  form('/account/tokens', 'tokens.own', async (_context, who, fields) =>
    showAccount(
      who,
      await createToken(auth, who, {
        userId: who.principal.personId,
        name: fields.get('name'),
        role: roleFrom(fields),
        days: Math.min(366, Math.max(1, Number(fields.get('days')) || 90)),
      }),
    ),
  )
  form('/account/tokens/:token/revoke', 'tokens.own', async (context, who) => {
    await revokeToken(auth, who, param(context, 'token'), who.principal.personId)
    return context.redirect('/account', 303)
  })
  call('/account/passkeys/options', 'tokens.own', (context, who) => registrationOptions(auth, signedIn(who), site(context)))
  call('/account/passkeys', 'tokens.own', async (context, who, body) => {
    await registerPasskey(auth, signedIn(who), site(context), String(body.name ?? ''), body.response as never)
    return { added: true }
  })
  form('/account/passkeys/remove', 'tokens.own', async (context, who, fields) => {
    await removePasskey(auth, who, fields.get('id'))
    return context.redirect('/account', 303)
  })
  form('/sign-out', 'tokens.own', async (context, who) => {
    if (who.sessionToken !== null) await signOut(auth, who, who.sessionToken)
    clearSession(context, falconer)
    return context.redirect('/sign-in', 303)
  })

  page('/audit', 'audit.read', async (context, who) => {
    const before = context.req.query('before')
    return auditPage(
      falconer,
      who,
      await listAudit(db, { limit: 100, ...(before !== undefined && /^\d{1,18}$/.test(before) ? { before: BigInt(before) } : {}) }),
      context.req.query('verify') === '1' ? await verifyAudit(db) : null,
    )
  })

  pageList.push(
    { method: 'GET', path: '/sign-in', permission: 'public' },
    { method: 'GET', path: '/sign-in/:token', permission: 'public' },
    { method: 'POST', path: '/sign-in/:token', permission: 'public' },
  )
  routes.get('/sign-in', (context) => context.html(signInPage(falconer, safeNext(context.req.query('next')))))
  call('/sign-in/passkey/options', 'public', (context) => authenticationOptions(auth, site(context)))
  call('/sign-in/passkey', 'public', async (context, _who, body) => {
    setSession(context, falconer, await signInWithPasskey(auth, site(context), body.response as never, agent(context)))
    return { next: safeNext(typeof body.next === 'string' ? body.next : undefined) }
  })
  routes.get('/sign-in/:token', async (context) => {
    const open = await linkIsOpen(db, hashSecret(context.req.param('token')), clock.now())
    return open === undefined
      ? context.html(deadLinkPage(falconer), 403)
      : context.html(useLinkPage(falconer, context.req.param('token'), open.name))
  })
  routes.post('/sign-in/:token', async (given) => {
    const context = given as unknown as AppContext
    setSession(context, falconer, await signInWithLink(auth, param(context, 'token'), agent(context)))
    falconer.changed('people')
    return context.redirect('/incidents', 303)
  })
  return routes
}

const signedIn = (who: Who | null): Who => {
  if (who === null) throw new SignInError('Sign in first.')
  return who
}
const answer = async (context: AppContext, shown: Shown): Promise<Response> =>
  shown instanceof Response ? shown : context.html(await shown)
/** Only a path of ours; never another site. */
const safeNext = (next: string | undefined): string => (next !== undefined && /^\/(?![/\\])[\w/?=&.-]*$/.test(next) ? next : '/')

async function readForm(context: AppContext): Promise<Form> {
  const data = await context.req.formData().catch((error: unknown) => {
    throw new InputError('The form could not be read.', { cause: error })
  })
  return { get: (name) => String(data.get(name) ?? ''), all: (name) => data.getAll(name).map(String), names: [...data.keys()] }
}

function roleFrom(fields: Form): Role {
  const role = Role.safeParse(fields.get('role'))
  if (!role.success) throw new InputError('Choose a role.')
  return role.data
}

async function decisionFrom(falconer: Falconer, incident: string, fields: Form): Promise<Decision> {
  const [kind, value] = fields.get('do').split(':')
  if (kind === 'note') {
    if (fields.get('reason').trim() === '') throw new InputError('The note is empty.')
    return { kind, incident, text: fields.get('reason') }
  }
  if (kind === 'state') return { kind, incident, state: IncidentState.parse(value) }
  if (kind === 'merge') return { kind, into: incident, from: (await findIncident(falconer.db, fields.get('from'))).id }
  if (kind === 'split') {
    if (fields.all('alert').length === 0) throw new InputError('Choose the alerts to split off.')
    return { kind, incident, alerts: fields.all('alert') }
  }
  throw new InputError('That is not a decision this page offers.')
}
