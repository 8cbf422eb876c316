import { isPublic } from '../address.ts'
import type { Alert } from '../../../domain/alert.ts'
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
          isPublic(farEnd(alert)) ||
          ruleSays(alert, /remote file copy|network tool/i) ||
          commandSays(alert, /\b(curl|wget|nc|ncat)\b/)
        ? 'supporting'
        : 'weak',
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ...(alert.connection?.serverIp == null
      ? [' reached for the network']
      : wasTaken(alert)
        ? [' took a connection from ', cite(alert, 'fields.fd.cip')]
        : [' connected to ', cite(alert, 'connection.serverIp'), ' port ', cite(alert, 'connection.serverPort')]),
  ],
  because: 'what an intruder brings in or takes out goes over such connections',
}

/** A connection that another began. */
const wasTaken = (alert: Alert): boolean => String(alert.fields['evt.type']).startsWith('accept') || ruleSays(alert, /inbound/i)
const farEnd = (alert: Alert): string | null | undefined => (wasTaken(alert) ? alert.connection?.clientIp : alert.connection?.serverIp)
