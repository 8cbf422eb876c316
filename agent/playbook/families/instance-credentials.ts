import { askedFrom, isPublic } from '../address.ts'
import { type Family, hasTechnique } from '../family.ts'
import { cite } from '../sentence.ts'

/** A machine's cloud credentials at work: from the internet, where the machine is not. */
export const instanceCredentials: Family = {
  name: 'instance-credentials',
  title: 'a machine’s cloud credentials used from elsewhere',
  ofCloud: true,
  matches: (alert) => alert.sensorSource === 'aws_cloudtrail' && hasTechnique(alert, 'T1552.005'),
  weigh: ({ alert }) => (isPublic(askedFrom(alert)) ? 'decisive' : 'supporting'),
  tell: ({ alert }) => [
    cite(alert, 'fields.ct.user.arn'),
    ' called ',
    cite(alert, 'fields.ct.name'),
    ' from ',
    cite(alert, 'fields.ct.srcip'),
  ],
  because: 'they were given to one machine, and it calls from its own address',
}
