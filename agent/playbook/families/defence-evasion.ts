import { type Family, hasTactic, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

/** Covering tracks or resisting examination. */
export const defenceEvasion: Family = {
  name: 'defence-evasion',
  title: 'a covering of tracks',
  matches: (alert) =>
    ruleSays(alert, /clear log|delete (bash )?history|bulk data|anti-debug|ptrace|tamper|disable/i) || hasTactic(alert, 'TA0005', 'TA0040'),
  weigh: ({ alert }) => (ruleSays(alert, /clear log|history|bulk data|ptrace attached/i) ? 'decisive' : 'weak'),
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ...(alert.file === null ? [' hid or destroyed what it had done'] : [' cleared or changed ', cite(alert, 'file')]),
  ],
  because: 'who has nothing to hide leaves logs alone',
}
