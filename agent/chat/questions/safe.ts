/** Whether something is safe, clean, fine: never answered by yes. What is known against it is told, and then what nobody looked at. */
import { type Asking, bare } from '../asking.ts'
import type { Asked } from '../asked.ts'
import { thingMeant, unknownPlace } from '../meant.ts'
import type { QuestionKind, Said } from '../question.ts'
import { at, moment, observed, type Sentence } from '../say.ts'
import { silence } from '../silence.ts'

type Fixes = { fixes: { id: string; findings: number }[]; freshness: string }
type Facts = {
  entity: { id: string }
  findings: { open: number; worst: { id: string }[] }
  images: { id: string; open: number }[]
  freshness: string
}
const most = 4
const words = 'safe|clean|secure|ok|okay|fine|healthy|compromised|hacked|breached|infected|trustworthy|all good|in good shape|at risk'

export const safeQuestion: QuestionKind = {
  name: 'safe',
  examples: ['Is namespace payments safe?', 'Is deployment/shop/checkout clean?', 'Are we secure?'],
  asks: ({ has, cve, incidentNamed }) =>
    cve === null &&
    !incidentNamed &&
    has(new RegExp(`\\b(?:is|are|was|were|am|how)\\b.*\\b(?:${words})\\b`)) &&
    !has(/source|sensor|\bit (real|bad|benign)/)
      ? 8
      : 0,
  answer: async (asked, asking) => {
    const { namespace, place, cluster, thing, names, incident } = asked
    const where = namespace ?? place ?? (thing === null ? await firstPlace(names, asking) : null)
    const looked = await silence(asking, { cluster, most: 3 })
    const { notThere, ...found }: Found =
      where !== null
        ? await ofNamespace(where, asking)
        : cluster !== null
          ? await ofCluster(cluster, asking)
          : thing !== null || names.length > 0
            ? await ofThing(asked, asking)
            : incident !== null
              ? ofIncidents([incident])
              : await ofCluster(null, asking)
    const against = found.sentences.length
    return {
      ...found,
      sentences: [...found.sentences, ...looked.sentences],
      unknowns: [
        notThere === true
          ? 'Nothing can be said of what is not recorded: that is not “safe”.'
          : against === 0
            ? 'Nothing is known against it. That is not “safe”: it holds for what was looked at, and for nothing else.'
            : 'Whether there is more than that is not known: nothing is called safe here.',
        ...(looked.nobody ? ['No source of alerts was ever set up: whether anything happened is not known at all.'] : []),
        ...(found.unknowns ?? []),
        ...looked.unknowns,
      ],
      followUps: ['What should I fix first?', 'Is anything silent?', 'Which incidents are open?'],
    }
  },
}

type Found = Said & { /** It is not recorded at all. */ notThere?: boolean }

/** The first of the names that is a namespace or cluster. */
async function firstPlace(names: readonly string[], { records }: Asking): Promise<string | null> {
  for (const name of names) if (await records.hasPlace(name)) return name
  return null
}

const ofIncidents = (ids: readonly string[]): Said => ({
  sentences: ids.slice(0, most).map(incidentSentence),
  links: ids.slice(0, 2).map((id, n) => ({ label: `Incident ${n + 1}`, path: `/incidents/${id}` })),
})
const incidentSentence = (id: string): Sentence =>
  observed`${at('incident', id, 'shortId')} is ${at('incident', id, 'severity')} and ${at('incident', id, 'state')}: ${at('incident', id, 'title')}; its last alert was at ${moment('incident', id, 'lastTime')} UTC.`
const fixSentence = ({ id, findings }: Fixes['fixes'][number]): Sentence =>
  observed`To be changed there, ${at('fix', id, 'level')}: ${at('fix', id, 'title')}${findings > 0 ? ` (${findings} open ${findings === 1 ? 'finding' : 'findings'})` : ''}.`

async function ofNamespace(name: string, asking: Asking): Promise<Found> {
  const unknown = await unknownPlace(name, asking)
  const ids = await asking.records.incidentsIn(name)
  const fixes = await asking.ask<Fixes>('what_to_fix_first', { namespace: name, limit: most })
  if (unknown === null && ids.length === 0 && fixes.ok && fixes.data.fixes.length === 0) return ofCluster(name, asking)
  return {
    sentences: [...ids.slice(0, most).map(incidentSentence), ...(fixes.ok ? fixes.data.fixes.map(fixSentence) : [])],
    notThere: unknown !== null && ids.length === 0,
    unknowns: [...(unknown === null ? [] : [unknown]), fixes.ok ? bare(fixes.data.freshness) : fixes.text],
    links: [{ label: 'What to fix first there', path: `/fix-first?${new URLSearchParams({ namespace: name })}` }],
  }
}

async function ofCluster(cluster: string | null, asking: Asking): Promise<Said> {
  const incidents = await asking.ask<{ incidents: { id: string; state: string }[] }>('list_incidents', { cluster, limit: 10 })
  const fixes = await asking.ask<Fixes>('what_to_fix_first', { cluster, limit: most })
  const living = incidents.ok ? incidents.data.incidents.filter(({ state }) => state !== 'closed') : []
  return {
    sentences: [
      ...living.slice(0, most).map(({ id }) => incidentSentence(id)),
      ...(fixes.ok ? fixes.data.fixes.slice(0, 3).map(fixSentence) : []),
    ],
    unknowns: [...(incidents.ok ? [] : [incidents.text]), fixes.ok ? bare(fixes.data.freshness) : fixes.text],
    links: [
      { label: 'Incidents', path: '/incidents' },
      { label: 'What to fix first', path: '/fix-first' },
    ],
  }
}

async function ofThing(asked: Asked, asking: Asking): Promise<Found> {
  const { thing, problem } = await thingMeant(asked, asking)
  if (thing === null) return { sentences: [], unknowns: problem === null ? [] : [problem], notThere: true }
  const about = await asking.ask<Facts>('get_entity', { entity: thing, cluster: asked.cluster })
  if (!about.ok) return ofResource(thing, about.text, asking)
  const { entity, findings, images, freshness } = about.data
  const titled = await asking.records.incidentsOf(entity.id)
  const open = images.filter((image) => image.open > 0)
  return {
    sentences: [
      ...titled.slice(0, most).map(incidentSentence),
      ...findings.worst
        .slice(0, 3)
        .map(
          ({ id }) =>
            observed`${at('finding', id, 'check')} of ${at('finding', id, 'resource')}, ${at('finding', id, 'severity')}, is open.`,
        ),
      ...open.slice(0, 3).map(({ id, open: count }) => observed`Of its image ${at('entity', id, 'name')}, open findings: ${count}.`),
    ],
    unknowns: [bare(freshness)],
    links: [{ label: 'Its record', path: `/cluster/${entity.id}` }],
  }
}

/** What inventory does not have may still have been scanned, as an image. */
async function ofResource(resource: string, why: string, { ask }: Asking): Promise<Said> {
  const found = await ask<{ findings: { id: string }[]; freshness: string }>('list_findings', { resource, limit: most })
  if (!found.ok) return { sentences: [], unknowns: [why, found.text] }
  return {
    sentences: found.data.findings.map(
      ({ id }) => observed`${at('finding', id, 'check')} of ${at('finding', id, 'resource')}, ${at('finding', id, 'severity')}, is open.`,
    ),
    unknowns: [...(found.data.findings.length === 0 ? [why] : []), bare(found.data.freshness)],
    links: [{ label: 'Findings', path: '/findings' }],
  }
}
