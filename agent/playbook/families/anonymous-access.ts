import { askedFrom, isPublic, ofAudit } from '../address.ts'
import { type Family, hasTechnique } from '../family.ts'
import { cite } from '../sentence.ts'

/** Requests without any credentials that the API server answered. */
export const anonymousAccess: Family = {
  name: 'anonymous-access',
  title: 'an answer to somebody without credentials',
  matches: (alert) => ofAudit(alert) && hasTechnique(alert, 'T1078.001'),
  weigh: ({ alert }) => {
    if (!isPublic(askedFrom(alert))) return 'supporting'
    return alert.fields['ka.target.resource'] === 'secrets' ? 'conclusive' : 'decisive'
  },
  tell: ({ alert }) => [
    cite(alert, 'fields.ka.user.name'),
    ' was let ',
    cite(alert, 'fields.ka.verb'),
    ' ',
    cite(alert, 'fields.ka.target.resource'),
    ', from ',
    cite(alert, 'fields.ka.sourceips'),
  ],
  because: 'whoever can reach the API server is given that',
}
