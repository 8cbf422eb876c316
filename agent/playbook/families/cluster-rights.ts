import { ofAudit } from '../address.ts'
import { type Family, hasTechnique } from '../family.ts'
import { cite, ifTold } from '../sentence.ts'

const workload = /^system:serviceaccount:(?!kube-system:)/

/** Rights in the cluster given out, or asked for, through its API. */
export const clusterRights: Family = {
  name: 'cluster-rights',
  title: 'a gain of rights in the cluster',
  matches: (alert) => ofAudit(alert) && hasTechnique(alert, 'T1098', 'T1069', 'T1134', 'T1548'),
  weigh: ({ alert }) => {
    if (hasTechnique(alert, 'T1069')) return 'weak'
    return workload.test(String(alert.fields['ka.user.name'])) ? 'decisive' : 'supporting'
  },
  tell: ({ alert }) => [
    cite(alert, 'fields.ka.user.name'),
    ' did ',
    cite(alert, 'fields.ka.verb'),
    ' ',
    cite(alert, 'fields.ka.target.resource'),
    ...ifTold(' that gives role ', cite(alert, 'fields.ka.req.binding.role')),
    ...ifTold(', from ', cite(alert, 'fields.ka.sourceips')),
  ],
  because: 'a workload that gives itself rights does what it was not made for',
}
