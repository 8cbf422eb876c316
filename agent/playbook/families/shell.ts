import type { Alert } from '../../../domain/alert.ts'
import { type Family, hasTechnique, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

const shells = /^(sh|bash|dash|ash|zsh|ksh|fish|csh|tcsh|busybox)$/
/** Programs that answer requests from outside. A shell is not among the things they are made to start. */
const servers =
  /^(node|nodejs|python[\d.]*|java|php(-fpm|-cgi)?[\d.]*|ruby|puma|unicorn|gunicorn|uwsgi|nginx|httpd|apache2|tomcat|dotnet|beam\.smp|perl|deno|bun|mysqld|postgres|redis-server|mongod)$/i
/** A server's own workers are its own kind; what it starts besides them is not its work. */
export const startedByServer = (alert: Alert): boolean =>
  alert.process !== null && servers.test(alert.process.parentName ?? '') && !servers.test(alert.process.name ?? '')

/** A shell, opened by a person or by the application itself. */
export const shell: Family = {
  name: 'shell',
  title: 'an interactive or unexpected shell',
  matches: (alert) => ruleSays(alert, /\bshell\b/i) || (hasTechnique(alert, 'T1059') && shells.test(alert.process?.name ?? '')),
  weigh: ({ alert }) => (startedByServer(alert) ? 'decisive' : 'supporting'),
  tell: ({ alert }) => [
    'the shell ',
    cite(alert, 'process.cmdline'),
    ' was started by ',
    cite(alert, 'process.parentName'),
    ' as user ',
    cite(alert, 'process.user'),
  ],
  because: 'a shell in a container is rarely part of its work, and one that a server program starts is how a flaw in it is used',
}
