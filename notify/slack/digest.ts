/** One message for many incidents: a storm, told at once and kept up to date until it is over; or what quiet hours brought, told when they end. */
import { shortId } from '../../domain/ids.ts'
import { severities } from '../../domain/severity.ts'
import { type Digest, type DigestContent, digestContent, noteDigestTold, openDigests } from '../../store/slack-cards.ts'
import { getSlackMessage, saveSlackMessage } from '../../store/slack.ts'
import type { Outcome } from '../notification.ts'
import { type Card, header, type Inline, lines, points, shownHash } from './blocks.ts'
import { type Desk, postOnce, taken } from './desk.ts'
import { changeCard } from './incident.ts'
import { alerts, word } from './incident-card.ts'
import { isQuiet } from './quiet.ts'
import { fallback, link, moment, prose, value, words } from './text.ts'

/** Kept up to date no more often than this. */
const everyMs = 15_000
/** A storm is over when it brought nothing for so long. */
const overMs = 5 * 60_000
const mostNamed = 15

export async function tellDigests(desk: Desk): Promise<Outcome> {
  for (const digest of await openDigests(desk.db, desk.channel)) {
    const outcome = await tellDigest(desk, digest)
    if (outcome.outcome !== 'taken') return outcome
  }
  return taken
}

async function tellDigest(desk: Desk, digest: Digest): Promise<Outcome> {
  const { db, clock, channel, routes } = desk
  const now = clock.now()
  const { id, kind, changedAt, newestAt, toldAt } = digest
  if (kind === 'quiet' && isQuiet(routes.quiet, now)) return taken
  const ended = kind === 'quiet' || now.getTime() - newestAt.getTime() >= overMs
  const isNews = toldAt === null || (changedAt > toldAt && now.getTime() - toldAt.getTime() >= everyMs)
  if (!ended && !isNews) return taken
  const card = digestCard(digest, await digestContent(db, id, mostNamed), desk.base(), ended ? now : null)
  const known = await getSlackMessage(db, 'digest', id, channel)
  const row = (ts: string, shown = shownHash(card)) => ({ kind: 'digest', about: id, channel, ts, shown, data: {} })
  const outcome =
    known === undefined
      ? await postOnce(desk, { key: `digest:${id}`, card, rows: (ts, found) => [row(ts, found ? '' : undefined)] })
      : await changeCard(desk, known, card, `digest:${id}`)
  if (outcome.outcome === 'away' || outcome.outcome === 'later') return outcome
  if (outcome.outcome === 'taken' && known !== undefined) await saveSlackMessage(db, row(known.ts), now)
  await noteDigestTold(db, id, { at: now, ended })
  return outcome
}

export function digestCard({ kind, beganAt }: Digest, content: DigestContent, base: string, endedAt: Date | null): Card {
  const { total, bySeverity, closed, alerts: alertCount, rules, first } = content
  const many = `${total.toLocaleString('en')} incident${total === 1 ? '' : 's'}`
  const title =
    kind === 'quiet'
      ? `${many} in quiet hours`
      : `${many}, summarised: ${endedAt === null ? 'too many to tell one by one' : 'the storm is over'}`
  const counts = severities
    .toReversed()
    .flatMap((severity) => (bySeverity[severity] === undefined ? [] : [`${bySeverity[severity].toLocaleString('en')} ${severity}`]))
  const until: Inline[] = endedAt === null ? [words(', and goes on')] : [words(' until '), moment(endedAt)]
  const rest = total - first.length
  const named = first.map((one): Inline[] => [
    link(`${base}/incidents/${one.id}`, shortId('incident', one.id)),
    words(` ${word(one.severity)}${one.merged ? ', merged' : one.state === 'open' ? '' : `, ${one.state}`}: `),
    prose(one.title, 160),
    words(` (${alerts(one.alerts)}, cluster `),
    value(one.scope, 60),
    words(')'),
  ])
  return {
    text: fallback(title),
    blocks: [
      header(title),
      lines(
        [words(counts.join(', '), { bold: true }), words(`; ${closed.toLocaleString('en')} over by now; ${alerts(alertCount)}.`)],
        [words('Since '), moment(beganAt), ...until, words('.')],
        rules.length === 0
          ? [words('No rules.')]
          : [
              words('Mostly: '),
              ...rules
                .flatMap(({ rule, incidents }, index): Inline[] => [
                  words(index === 0 ? '' : ', '),
                  value(rule, 80),
                  words(` ×${incidents.toLocaleString('en')}`),
                ])
                .filter((one) => !('text' in one) || one.text !== ''),
            ],
      ),
      points('The most severe', [
        ...named,
        [...(rest > 0 ? [words(`and ${rest.toLocaleString('en')} more: `)] : []), link(`${base}/incidents`, 'all incidents')],
      ]),
    ],
  }
}
