import { type Family, hasTactic, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

/** Changing files so as to stay, or to be run again. */
export const persistence: Family = {
  name: 'persistence',
  title: 'a change that outlives the process',
  matches: (alert) =>
    ruleSays(alert, /write below|modify|symlink|hardlink|cron|schedule|package management|authorized_keys|setuid/i) ||
    hasTactic(alert, 'TA0003'),
  weigh: ({ alert }) => (ruleSays(alert, /symlink|hardlink|cron|authorized_keys|setuid|below (root|etc)/i) ? 'supporting' : 'weak'),
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ...(alert.file === null ? [' changed the file system'] : [' changed ', cite(alert, 'file')]),
  ],
  because: 'files of a running container are not changed by its own work in this way',
}
