import { z } from 'zod'
import type { Alert } from '../../domain/alert.ts'
import { stringifyExact } from '../../domain/exact-json.ts'
import { redactDeep } from '../../domain/redact.ts'
import { usualOfAlerts } from '../../incidents/normal.ts'
import type { Queryable } from '../../store/database.ts'
import { getEntities } from '../../store/entities.ts'
import { membershipsOf, tellingTheSame } from '../../store/memberships.ts'
import { fitting, More, moreText } from '../page.ts'
import { Quoted, quote, quoteOrNull } from '../quoted.ts'
import { tool } from '../tool.ts'
import { AlertRow, alertRow } from '../views/alert.ts'
import { alertOf } from '../views/find-alert.ts'
import { Detail } from '../views/given.ts'
import { PlaceRow, placeRow } from '../views/incident.ts'

const room = { compact: { fields: 2_400, value: 160, tag: 40 }, full: { fields: 16_000, value: 4_000, tag: 200 } } as const

const Placed = z.object({
  incident: z.string(),
  how: Quoted.describe('How its pod was found in inventory, or why it was not'),
  inferred: z.boolean().describe('Concluded, not told by UID'),
  places: z.array(PlaceRow),
  joined: z.array(Quoted).describe('What it shares with others of the incident'),
  sameEvents: z.array(z.string()).describe('Other alerts that tell of the same event'),
})

/** One alert with every field its sensor wrote. */
export const getAlertTool = tool({
  name: 'get_alert',
  toolset: 'alerts',
  title: 'Get an alert',
  description:
    'One alert: what Falco wrote of it field by field, which inventory records it was placed at and how, which incident it is in, how usual it is there. Use it to check a claim against the record. `detail: "full"` shows long values and all fields. To look for alerts use list_alerts. Example: {"alert":"019ac2f0-7a10-7c3e-9a54-3f1e5b0a9c11"}',
  input: z.object({ alert: z.string().max(64).describe('Its id'), detail: Detail }),
  output: z.object({
    alert: AlertRow,
    cluster: z.string(),
    receivedAt: z.string(),
    timeFrom: z.enum(['event', 'received']).describe('"received": the sensor gave no time'),
    image: Quoted.nullable(),
    container: Quoted.nullable(),
    host: Quoted.nullable(),
    parent: Quoted.nullable().describe('What started its process'),
    tags: z.array(Quoted),
    techniques: z.array(z.string()),
    output: Quoted.nullable().describe('The sensor’s sentence: never to be parsed'),
    fields: z.array(z.object({ name: Quoted, value: Quoted })).describe('output_fields as written'),
    moreFields: More,
    cut: z.array(Quoted).describe('Fields that were cut on their way here'),
    seen: z.number().int().describe('How often it was received'),
    usual: Quoted.nullable().describe('How usual its rule by its process was here before its day; null: it was not placed yet'),
    placed: Placed.nullable().describe('Null: not placed yet'),
    page: z.string(),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ alert: given, detail }, { db, pages }) => {
    const alert = await alertOf(db, given)
    const { value, tag: ofTag } = room[detail]
    const all = fieldsOf(alert, value)
    const fields = fitting(all, room[detail].fields)
    return {
      alert: alertRow(alert, value),
      cluster: alert.scope,
      receivedAt: alert.receivedAt.toISOString(),
      timeFrom: alert.eventTimeFrom,
      image: quoteOrNull(alert.container?.image, 200),
      container: quoteOrNull(alert.container?.id, 80),
      host: quoteOrNull(alert.hostname, 120),
      parent: quoteOrNull(alert.process?.parentCmdline ?? alert.process?.parentName, value),
      tags: fitting(
        alert.tags.map((tag) => quote(tag, ofTag)),
        ofTag * 10,
      ),
      techniques: alert.techniques.slice(0, 12),
      output: quoteOrNull(alert.output, value * 2),
      fields,
      moreFields: moreText(all.length - fields.length, 'ask with detail "full"'),
      cut: alert.truncated.slice(0, 10).map((name) => quote(name, 60)),
      seen: alert.seen,
      usual: quoteOrNull((await usualOfAlerts(db, [alert])).get(alert.id)?.text),
      placed: await placedAt(db, alert.id),
      page: `${pages}/alerts/${alert.id}`,
    }
  },
})

/** Masked while values still stand under their names. */
const fieldsOf = ({ fields }: Alert, most: number): { name: Quoted; value: Quoted }[] =>
  Object.entries(redactDeep(fields)).map(([name, value]) => ({
    name: quote(name, 100),
    value: quote(typeof value === 'string' ? value : stringifyExact(value), most),
  }))

async function placedAt(db: Queryable, alertId: string): Promise<z.input<typeof Placed> | null> {
  const [membership] = await membershipsOf(db, { alertIds: [alertId] })
  if (membership === undefined) return null
  const { incidentId, context, reasons, sameAs } = membership
  const ids = [context.workload, context.pod, context.container, context.node].flatMap((id) => (id === null ? [] : [BigInt(id)]))
  const stands = sameAs ?? alertId
  const same = [stands, ...((await tellingTheSame(db, [stands])).get(stands) ?? [])]
  return {
    incident: incidentId,
    how: quote(context.how, 160),
    inferred: context.inferred,
    places: (await getEntities(db, ids)).map(placeRow),
    joined: [...new Set(reasons.map(({ label }) => label))].slice(0, 4).map((label) => quote(label, 160)),
    sameEvents: same.filter((id) => id !== alertId).slice(0, 10),
  }
}
