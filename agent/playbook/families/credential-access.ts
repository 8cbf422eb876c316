import { type Family, hasTactic, hasTechnique, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

/** Reading or looking for secrets. */
export const credentialAccess: Family = {
  name: 'credential-access',
  title: 'a reach for credentials',
  matches: (alert) =>
    ruleSays(alert, /sensitive file|private keys|passwords?\b|credentials|traversal|service ?account token/i) ||
    hasTactic(alert, 'TA0006') ||
    hasTechnique(alert, 'T1552', 'T1555', 'T1003'),
  weigh: ({ alert }) =>
    /\/(shadow|serviceaccount|\.aws|\.ssh|\.kube)\b/.test(`${alert.file ?? ''} ${alert.process?.cmdline ?? ''}`)
      ? 'supporting'
      : ruleSays(alert, /search|find|traversal/i)
        ? 'supporting'
        : 'weak',
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ...(alert.file === null ? [' looked for credentials'] : [' opened ', cite(alert, 'file')]),
  ],
  because: 'what was read there can be used elsewhere, so it must be taken as known to others',
}
