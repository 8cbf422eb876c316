import { z } from 'zod'
import { InputError } from '../../domain/errors.ts'
import { formatEventTime } from '../../domain/event-time.ts'
import { priorities } from '../../domain/severity.ts'
import { watchedBy } from '../../store/alert-coverage.ts'
import { countableFields, countAlerts, type CountBy, isCountable } from '../../store/alert-counts.ts'
import { fitting, More, moreText } from '../page.ts'
import { Quoted, quoteOrNull } from '../quoted.ts'
import { tool } from '../tool.ts'
import { alertFilter, narrowBy, searchFrom } from '../views/alert-filter.ts'
import { GivenText } from '../views/given.ts'

const budget = 4_500

/** How many alerts there are of each kind, or over time. */
export const countAlertsTool = tool({
  name: 'count_alerts',
  toolset: 'alerts',
  title: 'Count alerts',
  description: `How many alerts there are: by one or two fields, most first, or over time with \`interval\`. Use it to see what a storm is made of, what is rare, when something began. Not to read alerts (list_alerts). Fields: ${countableFields.join(', ')}, or fields.<name> for any that Falco wrote. Example: {"incident":"inc-1f9c04be2a","by":["rule","process"]} or {"rule":"Terminal shell in container","interval":"hour"}`,
  input: z.object({
    by: z.array(GivenText(200)).max(2).optional().describe('One or two fields; not given: rule, or time alone with `interval`'),
    interval: z
      .enum(['minute', 'hour', 'day'])
      .optional()
      .describe('Over time: per stretch of it, the newest ones; those without alerts are left out'),
    ...alertFilter,
    limit: z.number().int().min(1).max(100).default(20),
  }),
  output: z.object({
    by: z.array(Quoted),
    counted: z.array(
      z.object({
        start: z.string().optional().describe('Of the stretch of time'),
        values: z.array(Quoted.nullable()).describe('In the order of `by`; null: the alert does not say'),
        alerts: z.number().int(),
        from: z.string().optional(),
        to: z.string().optional(),
      }),
    ),
    alerts: z.number().int().describe('Counted in all groups, each once'),
    groups: z.number().int(),
    countedBackTo: z.string().nullable().describe('Older alerts than that were not counted; null: all there are'),
    more: More,
    freshness: z.string(),
  }),
  access: 'read',
  permission: 'incidents.read',
  listed: true,
  run: async ({ by: given, interval, limit, ...filter }, { db, clock }) => {
    const by = countable(given ?? (interval === undefined ? ['rule'] : []))
    const { search, watched } = await searchFrom(db, filter)
    const found = await countAlerts(db, search, { by, limit, ...(interval === undefined ? {} : { interval }) })
    const rows = found.counted.map(({ values, startNs, alerts, firstNs, lastNs }) => ({
      ...(startNs === null ? { from: formatEventTime(firstNs), to: formatEventTime(lastNs) } : { start: formatEventTime(startNs) }),
      values: values.map((value, index) => quoteOrNull(by[index] === 'priority' ? priorities[Number(value)] : value, 160)),
      alerts,
    }))
    const counted = interval === undefined ? fitting(rows, budget) : fitting(rows.toReversed(), budget).toReversed()
    return {
      by: by.map((field) => quoteOrNull(field) as Quoted),
      counted,
      alerts: found.alerts,
      groups: found.groups,
      countedBackTo: found.lookedBackTo === null ? null : formatEventTime(found.lookedBackTo),
      more: moreText(found.groups - counted.length, counted.length < found.counted.length ? narrowBy : `raise \`limit\` or ${narrowBy}`),
      freshness: await watchedBy({ db, clock }, watched),
    }
  },
})

function countable(fields: readonly string[]): CountBy[] {
  return fields.map((field) => {
    if (isCountable(field)) return field
    throw new InputError(
      `Alerts cannot be counted by one of these fields. They can by: ${countableFields.join(', ')}; or by fields.<name>, e.g. fields.fd.sport. list_field_values without a field lists the names there are.`,
    )
  })
}
