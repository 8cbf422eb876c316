/** Server programs: what answers requests from outside. A shell, or any other program, is not among the things they are made to start. */
import type { Alert } from '../domain/alert.ts'

const servers =
  /^(node|nodejs|python[\d.]*|java|php(-fpm|-cgi)?[\d.]*|ruby|puma|unicorn|gunicorn|uwsgi|nginx|httpd|apache2|tomcat|dotnet|beam\.smp|perl|deno|bun|mysqld|postgres|redis-server|mongod)$/i
/** A server's own workers are its own kind; what it starts besides them is not its work. */
export const startedByServer = (alert: Alert): boolean =>
  alert.process !== null && servers.test(alert.process.parentName ?? '') && !servers.test(alert.process.name ?? '')
