import { type Family, hasTechnique } from '../family.ts'
import { cite } from '../sentence.ts'

const metadata: ReadonlySet<string> = new Set(['169.254.169.254', 'fd00:ec2::254', '169.254.170.2'])

/** A workload that asks its machine for the machine's own cloud credentials. */
export const metadataService: Family = {
  name: 'metadata-service',
  title: 'a question for the machine’s cloud credentials',
  matches: (alert) => alert.process !== null && (metadata.has(alert.connection?.serverIp ?? '') || hasTechnique(alert, 'T1552.005')),
  weigh: () => 'supporting',
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ' connected to the metadata service at ',
    cite(alert, 'connection.serverIp'),
  ],
  because: 'software of the cloud asks that all day, and so does whoever came in',
}
