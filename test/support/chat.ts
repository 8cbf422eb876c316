/** A site in which something happened: the recorded intrusion into a shop's checkout, with its inventory and a scan of its image. */
import { addSource } from '../../apps/server/sources.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { loadScenario, type Scenario, toJsonLines } from '../../evals/scenario.ts'
import { openSite, operator, type Site, type SiteOptions } from './site.ts'

export const chatNow = '2026-11-24T12:00:00Z'

export async function openShopSite(
  config: SiteOptions['config'] = {},
  database?: SiteOptions['database'],
): Promise<{ site: Site; story: Scenario; send(collector: string, body: string): Promise<void> }> {
  const site = await openSite({ now: chatNow, config: { FALCONER_PORT: '0', ...config }, database })
  const story = loadScenario('shop-checkout-intrusion', new Date(chatNow))
  const send = async (collector: string, body: string): Promise<void> => {
    const { secret } = await addSource(site.falconer, operator, {
      name: `${collector}-${Math.random().toString(36).slice(2, 8)}`,
      collector,
      scope: 'lab',
    })
    const answer = await site.ask(`/ingest/${collector}/${secret}`, { method: 'POST', body })
    if (!answer.ok) throw new Error(`${collector}: ${answer.status} ${await answer.text()}`)
  }
  await send('kubernetes', stringifyExact({ apiVersion: 'v1', kind: 'List', items: story.objects }))
  await send('trivy', stringifyExact(story.trivy))
  await site.ingest(toJsonLines(story.alerts))
  await site.settle()
  return { site, story, send }
}
