import type { Alert } from '../../../domain/alert.ts'
import { commandSays, type Family, isShell, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

const tools =
  /\/dev\/(tcp|udp)\/|\b(nc|ncat|netcat|socat)\b.*(\s-e\s|\s-c\s|exec:|--exec|--sh-exec)|mkfifo .*\|\s*(nc|ncat)\b|pty\.spawn|0<&\d+|bash -i\b.*>&/i

/** Its input or output was replaced by a connection, whatever the rule that saw it is called. */
const tiesToNetwork = (alert: Alert): boolean =>
  alert.connection !== null && /^dup[23]?$/.test(String(alert.fields['evt.type'])) && isShell(alert)

/** A shell whose input and output are a network connection: somebody outside is typing. */
export const reverseShell: Family = {
  name: 'reverse-shell',
  title: 'a shell driven over the network',
  matches: (alert) =>
    ruleSays(alert, /reverse shell|redirect std(out|in)|netcat remote code/i) || commandSays(alert, tools) || tiesToNetwork(alert),
  weigh: () => 'conclusive',
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ...(alert.connection?.serverIp == null
      ? [' gave its input and output to the network']
      : [' tied its input and output to ', cite(alert, 'connection.serverIp'), ' port ', cite(alert, 'connection.serverPort')]),
    ', started by ',
    cite(alert, 'process.parentName'),
  ],
  because: 'a shell bound to a network connection is remote control',
}
