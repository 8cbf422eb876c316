import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import { backToText, type HitKind, hitKinds, search } from '../../knowledge/search.ts'
import { fitting, More, moreText } from '../page.ts'
import { Quoted, quote, quoteOrNull } from '../quoted.ts'
import { scopeOf } from '../choice.ts'
import { tool, type Toolset } from '../tool.ts'

/** Whose records these are: a token without the scope of a toolset finds none of them. */
const toolsetOf: Readonly<Record<HitKind, Toolset>> = {
  incident: 'incidents',
  note: 'incidents',
  runbook: 'incidents',
  document: 'incidents',
  alert: 'alerts',
  finding: 'posture',
  entity: 'graph',
}

/** Where one knows words, and not yet which record. */
export const searchTool = tool({
  name: 'search',
  toolset: 'incidents',
  title: 'Search everything',
  description:
    'Records by words or a name, best first: incidents (title, rules, techniques), runbooks, the organisation’s documents, notes and checks of findings by full text; findings by exact check or package; entities by exact name or namespace/name; alerts by exact rule, namespace/pod or container id, and by a phrase in their text as far back as `searched` says. Runbooks, past incidents and documents also by likeness. One hit stands for alike ones. Not for lists by field (list_alerts, list_findings) or counts (count_alerts). Example: {"query":"reverse shell checkout"}',
  input: z.object({
    query: z.string().trim().min(2).max(200).describe('Words, or one exact name'),
    kinds: z.array(z.enum(hitKinds)).min(1).optional().describe('Only these'),
    limit: z.number().int().min(1).max(30).default(10).describe('At most so many'),
  }),
  output: z.object({
    hits: z.array(
      z.object({
        kind: z.enum(hitKinds),
        id: z
          .string()
          .describe('For get_<kind>; of a note, its incident’s; of a document its path, and `detail` is all that there is to read'),
        title: Quoted,
        detail: Quoted.nullable(),
        why: z.string().describe('What matched'),
        when: z.string().nullable(),
      }),
    ),
    searched: z.string(),
    more: More,
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ query, kinds: wanted = hitKinds, limit }, { db, signal, reads, meaning }) => {
    const kinds = wanted.filter((kind) => reads(toolsetOf[kind]))
    const left = wanted.filter((kind) => !kinds.includes(kind))
    const lacking = [...new Set(left.map((kind) => scopeOf(toolsetOf[kind])))].join(', ')
    if (kinds.length === 0) throw new InputError(`This token may not read ${left.join(', ')}: a person would have to give it ${lacking}.`)
    const { hits, alertsBackTo, said } = await search(db, { text: query, kinds, limit: limit + 1, signal, meaning })
    const all = hits.map(({ kind, id, title, detail, why, atNs }) => ({
      kind,
      id: kind === 'document' ? quote(id, 200) : id,
      title: quote(title, 160),
      detail: quoteOrNull(detail, kind === 'document' ? 1_200 : 160),
      why,
      when: atNs === null ? null : formatEventTime(atNs),
    }))
    const shown = fitting(all.slice(0, limit))
    return {
      hits: shown,
      searched: `${kinds.join(', ')}${left.length === 0 ? '' : `; not ${left.join(', ')}, for the token lacks ${lacking}`}${kinds.includes('alert') ? `; ${backToText(alertsBackTo)}` : ''}. ${said === null ? '' : `Knowledge ${said}. `}Not found is not the same as not there.`,
      more: all.length > shown.length ? moreText(null, 'narrow by kinds, or ask with more exact words') : null,
    }
  },
})
