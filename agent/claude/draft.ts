/** From what a model handed in to a draft: sizes kept, citations looked up, actions of the catalogue alone, techniques that are ids. */
import { tacticTitle } from '../../domain/attack.ts'
import { type Claim, type ClaimPart, claimParts, type DraftReport, type RecommendedAction, type Report } from '../../domain/report.ts'
import type { CaseFile } from '../../incidents/case-file.ts'
import type { RecordReader } from '../../incidents/grounding.ts'
import type { Doubt } from '../analyst.ts'
import { cited, sentencesOf } from './cite.ts'
import type { SaidReport } from './schema.ts'

const mostClaims: Record<ClaimPart, number> = {
  summary: 6,
  reasons: 12,
  unusual: 8,
  timeline: 40,
  rootCause: 8,
  fixFirst: 8,
  blastRadius: 8,
}
const mostUnknowns = 20
const mostActions = 12
const longestLine = 600

export async function draftFrom(
  said: SaidReport,
  file: Pick<CaseFile, 'groups'>,
  reader: RecordReader,
  by: Pick<Report, 'model' | 'prompt' | 'spend'>,
): Promise<DraftReport> {
  const parts = await Promise.all(
    claimParts.map(async (part) => {
      const claims = said[part].flatMap(sentencesOf).slice(0, mostClaims[part])
      return [part, await Promise.all(claims.map(async (claim) => cited(claim, reader)))] as const
    }),
  )
  const claims = Object.fromEntries(parts) as Record<ClaimPart, Claim[]>
  return {
    // Signed by whoever calls it.
    analyst: '',
    analystVersion: '',
    verdict: said.verdict,
    confidence: said.confidence,
    severity: said.severity,
    ...claims,
    rootCauses: claims.rootCause.length,
    unknowns: said.unknowns.slice(0, mostUnknowns).map((line) => line.slice(0, longestLine)),
    techniques: techniquesOf(said.techniques, file),
    actions: said.actions.slice(0, mostActions).map(recommended),
    ...by,
    partial: null,
  }
}

/** The draft with what was said again in the place of what was in doubt; what was withdrawn is left out. */
export async function mendedDraft(
  draft: DraftReport,
  doubts: readonly Doubt[],
  said: SaidReport,
  reader: RecordReader,
): Promise<DraftReport> {
  const parts = await Promise.all(
    claimParts.map(async (part) => {
      const places = new Map(doubts.filter((doubt) => doubt.part === part).map(({ at }, index) => [at, said[part][index]]))
      const claims = await Promise.all(
        draft[part].map(async (claim, at) => {
          const again = places.get(at)
          if (again === undefined) return [claim]
          return Promise.all(sentencesOf(again).map((one) => cited(one, reader)))
        }),
      )
      return [part, claims.flat()] as const
    }),
  )
  return { ...draft, ...(Object.fromEntries(parts) as Record<ClaimPart, Claim[]>) }
}

function techniquesOf(ids: readonly string[], { groups }: Pick<CaseFile, 'groups'>): DraftReport['techniques'] {
  const tactics = new Map(
    groups.flatMap((group) => group.techniques.map((id) => [id, group.tactics.length === 1 ? tacticTitle(group.tactics[0] ?? '') : null])),
  )
  const real = ids.map((id) => id.trim().toUpperCase()).filter((id) => /^T\d{4}(?:\.\d{3})?$/.test(id))
  return [...new Set(real)]
    .slice(0, 30)
    .sort()
    .map((id) => ({ id, tactic: tactics.get(id) ?? null }))
}

const recommended = ({ action, entity, replicas, reason }: SaidReport['actions'][number]): RecommendedAction => ({
  action,
  entityId: entity.replace(/^entity:/i, '').slice(0, 40),
  params: action === 'kubernetes.scale_workload' ? { replicas: replicas ?? 0 } : {},
  reason: reason.slice(0, longestLine),
  blocked: null,
})
