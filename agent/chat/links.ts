/** Pages of the records that sentences cite, each once, what people look at first before the rest. */
import type { Link } from '../../domain/chat.ts'
import type { EvidenceRef } from '../../domain/evidence.ts'
import { shortId } from '../../domain/ids.ts'
import type { Claim } from '../../domain/report.ts'

const pages: readonly (readonly [EvidenceRef['record'], string, (id: string, number: number) => string])[] = [
  ['incident', 'incidents', (id) => `Incident ${shortId('incident', id)}`],
  ['proposal', 'proposals', (id) => `Proposal ${shortId('proposal', id)}`],
  ['fix', 'fix-first', (_id, number) => `Change ${number}`],
  ['finding', 'findings', (_id, number) => `Finding ${number}`],
]
const most = 5

export function linksOf(claims: readonly Claim[]): Link[] {
  const cited = claims.flatMap(({ evidence }) => evidence)
  const each = pages.flatMap(([kind, page, label]) =>
    [...new Set(cited.filter(({ record }) => record === kind).map(({ id }) => id))].map((id, at) => ({
      label: label(id, at + 1),
      path: `/${page}/${encodeURIComponent(id)}`,
    })),
  )
  return each.slice(0, most)
}
