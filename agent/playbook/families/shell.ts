import { startedByServer } from '../../../incidents/server-program.ts'
import { type Family, hasTechnique, isShell, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

/** A shell, opened by a person or by the application itself. */
export const shell: Family = {
  name: 'shell',
  title: 'an interactive or unexpected shell',
  matches: (alert) => ruleSays(alert, /\bshell\b/i) || (hasTechnique(alert, 'T1059') && isShell(alert)),
  weigh: ({ alert }) => (startedByServer(alert) ? 'decisive' : 'supporting'),
  tell: ({ alert }) => [
    'the shell ',
    cite(alert, 'process.cmdline'),
    ...(alert.process?.parentName == null ? [' was started'] : [' was started by ', cite(alert, 'process.parentName')]),
    ' as user ',
    cite(alert, 'process.user'),
  ],
  because: 'a shell in a container is rarely part of its work, and one that a server program starts is how a flaw in it is used',
}
