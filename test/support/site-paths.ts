/** Every page and every address of the API that a site has to show now, at least once with each kind of record. */
import { operations } from '../../apps/server/api/api.ts'
import { webRoutes } from '../../apps/web/pages.ts'
import { searchAlerts } from '../../store/alert-search.ts'
import { listEntities } from '../../store/entities.ts'
import { listFindings } from '../../store/finding-search.ts'
import { listFixes } from '../../store/fixes.ts'
import { listIncidents } from '../../store/incidents.ts'
import { listProposals } from '../../store/proposals.ts'
import { invisible, markup } from './hostile-text.ts'
import type { Site } from './site.ts'

export async function pagesOf(site: Site): Promise<string[]> {
  const { db } = site
  const incidents = (await listIncidents(db, {}, { limit: 100 })).incidents
  const alerts = (await searchAlerts(db, {}, { limit: 500 })).alerts
  const entities = (
    await Promise.all(
      (['pod', 'workload', 'node', 'container', 'namespace'] as const).map((kind) => listEntities(db, { kind, limit: 100 })),
    )
  ).flat()
  return [
    // Without a program that asks, /oauth/authorize is no page; with one it is held against hostile names in mcp-consent.test.ts.
    ...webRoutes
      .filter(({ kind, path }) => kind === 'page' && !path.includes(':') && !['/', '/oauth/authorize'].includes(path))
      .map(({ path }) => path),
    '/incidents?show=quiet',
    '/incidents?show=closed',
    '/audit?verify=1',
    '/cluster?kind=workload',
    ...incidents.flatMap(({ id }) => [`/incidents/${id}`, `/incidents/${id}/alerts`, `/incidents/${id}/map?depth=2`]),
    ...entities.slice(-60).map(({ id }) => `/graph?node=${id}&depth=3`),
    ...[...markup, ...invisible.filter((text) => !text.includes('\0'))].map(
      (text) => `/graph?node=${encodeURIComponent(text.toWellFormed())}&type=${encodeURIComponent(text.toWellFormed())}`,
    ),
    ...alerts.map(({ id }) => `/alerts/${id}`),
    ...['open', 'suppressed', 'any'].map((status) => `/findings?status=${status}`),
    ...(await listFindings(db, site.clock.now(), {}, { limit: 500 })).findings.map(({ id }) => `/findings/${id}`),
    ...(await listFixes(db, {}, { limit: 500 })).fixes.map(({ id }) => `/fix-first/${id}`),
    ...entities.map(({ id }) => `/cluster/${id}`),
    ...(await listProposals(db, {}, 100)).map(({ id }) => `/proposals/${id}`),
  ]
}

export async function apiPaths(site: Site): Promise<string[]> {
  const { db } = site
  const ids: Record<string, string[]> = {
    incident: (await listIncidents(db, {}, { limit: 100 })).incidents.map(({ id }) => id),
    alert: (await searchAlerts(db, {}, { limit: 500 })).alerts.map(({ id }) => id),
    entity: (await listEntities(db, { limit: 500 })).map(({ id }) => String(id)),
    finding: (await listFindings(db, site.clock.now(), {}, { limit: 500 })).findings.map(({ id }) => id),
    proposal: (await listProposals(db, {}, 100)).map(({ id }) => id),
  }
  return operations
    .filter(({ method }) => method === 'GET')
    .flatMap(({ path }) => {
      const name = /:(\w+)/.exec(path)?.[1]
      return name === undefined ? [`/api/v1${path}?limit=200`] : (ids[name] ?? []).map((id) => `/api/v1${path.replace(`:${name}`, id)}`)
    })
}
