import { askedFrom, isPublic, ofAudit } from '../address.ts'
import { type Family, hasTechnique } from '../family.ts'
import { cite, ifTold } from '../sentence.ts'

/** A command run in a container through the cluster's API: the audit log says by whom. */
export const execThroughApi: Family = {
  name: 'exec-through-api',
  title: 'a command run in a container through the API',
  matches: (alert) => ofAudit(alert) && hasTechnique(alert, 'T1609'),
  // An account of a workload works inside the cluster; from the internet somebody else holds its token.
  weigh: ({ alert }) =>
    String(alert.fields['ka.user.name']).startsWith('system:serviceaccount:') && isPublic(askedFrom(alert)) ? 'decisive' : 'supporting',
  tell: ({ alert }) => [
    cite(alert, 'fields.ka.user.name'),
    ' ran ',
    cite(alert, 'fields.ka.uri.param[command]'),
    ' in it through the API',
    ...ifTold(', from ', cite(alert, 'fields.ka.sourceips')),
  ],
  because: 'whoever may do that needs no flaw in the application',
}
