import { commandSays, type Family, hasTechnique, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

const speaksToPool = /\bstratum2?\+(tcp|ssl|tls):\/\/|--donate-level\b|\b(xmrig|minerd|cpuminer|ethminer)\b/i

/** Somebody else's money made with this machine. */
export const cryptomining: Family = {
  name: 'cryptomining',
  title: 'mining for somebody else',
  matches: (alert) =>
    alert.process !== null &&
    (hasTechnique(alert, 'T1496') || ruleSays(alert, /\bmin(er|ing)\b|stratum/i) || commandSays(alert, speaksToPool)),
  weigh: ({ alert }) =>
    commandSays(alert, speaksToPool)
      ? alert.connection === null
        ? 'decisive'
        : 'conclusive'
      : alert.connection === null
        ? 'supporting'
        : 'decisive',
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ' of image ',
    cite(alert, 'container.image'),
    ...(alert.connection?.serverIp == null
      ? [' ran as miners do']
      : [' connected to ', cite(alert, 'connection.serverIp'), ' port ', cite(alert, 'connection.serverPort')]),
  ],
  because: 'nobody pays for machines that earn for others',
}
