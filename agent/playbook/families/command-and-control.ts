import { commandSays, type Family, hasTactic, hasTechnique, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

/** Talking to a place the workload has no business with, or fetching something from it. */
export const commandAndControl: Family = {
  name: 'command-and-control',
  title: 'a connection a workload does not usually make',
  matches: (alert) =>
    ruleSays(alert, /outbound|connection|C2|remote file copy|contact (k8s|cloud)|network tool|miner|download|egress/i) ||
    hasTactic(alert, 'TA0011') ||
    hasTechnique(alert, 'T1071', 'T1105', 'T1571', 'T1095') ||
    commandSays(alert, /\b(curl|wget)\b.*https?:\/\//),
  weigh: ({ alert }) =>
    ruleSays(alert, /\bC2\b|miner/i)
      ? 'decisive'
      : hasTactic(alert, 'TA0011') ||
          alert.connection !== null ||
          ruleSays(alert, /remote file copy|network tool/i) ||
          commandSays(alert, /\b(curl|wget|nc|ncat)\b/)
        ? 'supporting'
        : 'weak',
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ...(alert.connection?.serverIp == null
      ? [' reached for the network']
      : [' connected to ', cite(alert, 'connection.serverIp'), ' port ', cite(alert, 'connection.serverPort')]),
  ],
  because: 'what an intruder brings in or takes out goes over such connections',
}
