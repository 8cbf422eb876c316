import { ofAudit } from '../address.ts'
import { type Family, hasTechnique } from '../family.ts'
import { cite, ifTold } from '../sentence.ts'

/** Secrets read through the cluster's API. */
export const secretsThroughApi: Family = {
  name: 'secrets-through-api',
  title: 'Secrets read through the API',
  matches: (alert) => ofAudit(alert) && hasTechnique(alert, 'T1552', 'T1528'),
  weigh: () => 'supporting',
  tell: ({ alert }) => [
    cite(alert, 'fields.ka.user.name'),
    ' did ',
    cite(alert, 'fields.ka.verb'),
    ' ',
    cite(alert, 'fields.ka.target.resource'),
    ...ifTold(', from ', cite(alert, 'fields.ka.sourceips')),
  ],
  because: 'what was read there can be used elsewhere, so it must be taken as known to others',
}
