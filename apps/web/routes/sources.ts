/** Sources and the ledger of what was looked at: add, new secret, disable, enable; and reading dead letters again. A secret is shown once, on the answer to the form. */
import { listDeadLetters } from '../../../store/dead-letters.ts'
import { listSensors } from '../../../store/sensors.ts'
import { listSources } from '../../../store/sources.ts'
import { coverage, silentBeforeNs } from '../../../store/coverage-ledger.ts'
import { modelInLedger } from '../../server/asking.ts'
import { replay } from '../../server/replay.ts'
import { addSource, disableSource, rotateSecret } from '../../server/sources.ts'
import { coveragePage } from '../coverage-page.ts'
import { form, page, type Shown, type SignedIn, type WebRoute } from '../route.ts'
import { type SourcesData, sourcesPage } from '../sources-page.ts'

const show = async ({ falconer, who }: SignedIn, over: Partial<SourcesData> = {}): Promise<Shown> =>
  sourcesPage(falconer, who, {
    sources: await listSources(falconer.db),
    deadLetters: await listDeadLetters(falconer.db, { limit: 20 }),
    sensors: await listSensors(falconer.db, { limit: 12, silentBeforeNs: silentBeforeNs(falconer.clock) }),
    made: null,
    notice: null,
    ...over,
  })

export const sourceRoutes: readonly WebRoute[] = [
  page('/sources', 'sources.read', (visit) => show(visit)),
  form('/sources', 'sources.manage', async (visit) => {
    const { falconer, who, fields } = visit
    const { source, secret, connect } = await addSource(falconer, who, {
      name: fields.get('name'),
      collector: fields.get('collector'),
      scope: fields.get('scope') || falconer.config.FALCONER_SCOPE,
    })
    return show(visit, { made: { name: source.name, secret, connect } })
  }),
  form('/sources/:source/rotate', 'sources.manage', async (visit) => {
    const { source, secret, connect } = await rotateSecret(visit.falconer, visit.who, visit.param('source'))
    return show(visit, { made: { name: source.name, secret, connect } })
  }),
  ...(['disable', 'enable'] as const).map((to) =>
    form(`/sources/:source/${to}`, 'sources.manage', async ({ falconer, context, who, param }) => {
      await disableSource(falconer, who, param('source'), to === 'disable')
      return context.redirect('/sources', 303)
    }),
  ),
  page('/coverage', 'sources.read', async ({ falconer, who }) =>
    coveragePage(falconer, who, await coverage({ ...falconer, model: modelInLedger(falconer) }, { limit: 200 })),
  ),
  form('/dead-letters/:letter/replay', 'sources.manage', async (visit) => {
    const { accepted, deadLetters } = await replay(visit.falconer, visit.who, visit.param('letter'))
    return show(visit, { notice: deadLetters === 0 ? `Read: ${accepted} new.` : 'It still cannot be read.' })
  }),
]
