import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import { priorities } from '../../domain/severity.ts'
import { watchedBy } from '../../store/alert-coverage.ts'
import { countableFields, countAlerts, fieldNames, isCountable } from '../../store/alert-counts.ts'
import { fitting, More, moreText } from '../page.ts'
import { Quoted, quote, quoteOrNull } from '../quoted.ts'
import { tool } from '../tool.ts'
import { alertFilter, narrowBy, searchFrom } from '../views/alert-filter.ts'
import { GivenText } from '../views/given.ts'

const budget = 4_500
type Found = { found: { value: Quoted | null; alerts: number }[]; left: number | null; lookedBackTo: bigint | null }

/** Which values a field has, or which fields there are. */
export const listFieldValuesTool = tool({
  name: 'list_field_values',
  toolset: 'alerts',
  title: 'List field values',
  description: `Values of a field among the newest alerts, most frequent first; without a field the names of the fields that Falco wrote. Use it before filtering or counting when you do not know how a value is written. Fields: ${countableFields.join(', ')}, or fields.<name>. Not to count alerts (count_alerts). Example: {"field":"fields.fd.sport","namespace":"shop"}`,
  input: z.object({
    field: GivenText(200).optional().describe('Not given: names of fields'),
    ...alertFilter,
    limit: z.number().int().min(1).max(100).default(30),
  }),
  output: z.object({
    found: z.array(z.object({ value: Quoted.nullable().describe('Null: alerts that do not say'), alerts: z.number().int() })),
    lookedBackTo: z.string().nullable().describe('Older alerts than that were not looked at; null: all there are'),
    more: More,
    freshness: z.string(),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: false,
  run: async ({ field, limit, ...filter }, { db, clock }) => {
    const { search, watched } = await searchFrom(db, filter)
    const { found, left, lookedBackTo } = field === undefined ? await names() : await values(field)
    const shown = fitting(found, budget)
    const beyond = left === null ? null : left + found.length - shown.length
    return {
      found: shown,
      lookedBackTo: lookedBackTo === null ? null : formatEventTime(lookedBackTo),
      more: moreText(beyond, shown.length < found.length ? narrowBy : `raise \`limit\` or ${narrowBy}`),
      freshness: await watchedBy({ db, clock }, watched),
    }

    async function names(): Promise<Found> {
      const all = await fieldNames(db, search, limit)
      return {
        found: all.names.map(({ name, alerts }) => ({ value: quote(`fields.${name}`, 200), alerts })),
        left: all.more ? null : 0,
        lookedBackTo: all.lookedBackTo,
      }
    }
    async function values(by: string): Promise<Found> {
      if (!isCountable(by))
        throw new InputError(
          `There is no such field. There are: ${countableFields.join(', ')}; and fields.<name>, listed when no field is given.`,
        )
      const all = await countAlerts(db, search, { by: [by], limit, only: 'few' })
      return {
        found: all.counted.map(({ values: [value = null], alerts }) => ({
          value: quoteOrNull(by === 'priority' ? priorities[Number(value)] : value, 200),
          alerts,
        })),
        left: all.groups - all.counted.length,
        lookedBackTo: all.lookedBackTo,
      }
    }
  },
})
