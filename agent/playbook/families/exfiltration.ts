import { isPublic } from '../address.ts'
import { commandSays, type Family, hasTactic, hasTechnique, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

const senders =
  /^(\S*\/)?(rclone|restic|rsync|scp|sftp|ftp|tftp|megacopy|croc)\b|\bcurl\b.*(\s-T\s|--upload-file|\s-F\s|--data-binary\s+@)|\bwget\b.*--post-file|\b(aws|gsutil|az)\b.*\b(cp|sync|upload)\b/

/** Data that leaves, by a tool made to copy. */
export const exfiltration: Family = {
  name: 'exfiltration',
  title: 'data sent out',
  matches: (alert) =>
    hasTactic(alert, 'TA0010') ||
    hasTechnique(alert, 'T1041', 'T1048', 'T1567') ||
    ruleSays(alert, /exfiltrat/i) ||
    (commandSays(alert, senders) && isPublic(alert.connection?.serverIp)),
  weigh: ({ alert }) => (isPublic(alert.connection?.serverIp) ? 'decisive' : 'supporting'),
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ...(alert.connection?.serverIp == null
      ? [' sent data out']
      : [' sent data to ', cite(alert, 'connection.serverIp'), ' port ', cite(alert, 'connection.serverPort')]),
  ],
  because: 'what has left cannot be called back',
}
