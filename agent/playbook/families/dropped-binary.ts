import { type Family, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

/** A program that was not in the image: written while the container ran, then started. */
export const droppedBinary: Family = {
  name: 'dropped-binary',
  title: 'a program that is not part of the image',
  matches: (alert) =>
    ruleSays(alert, /drop and execute|new binary|execution from \/(dev\/shm|tmp)|write binary|write below binary/i) ||
    alert.fields['proc.is_exe_upper_layer'] === true ||
    /^\/(dev\/shm|tmp|var\/tmp)\//.test(alert.process?.exepath ?? ''),
  weigh: ({ alert }) =>
    ruleSays(alert, /drop and execute/i) || alert.fields['proc.is_exe_upper_layer'] === true
      ? // Where packages put programs, an installation does too.
        /^\/(usr\/)?s?bin\//.test(alert.process?.exepath ?? '')
        ? 'decisive'
        : 'conclusive'
      : ruleSays(alert, /write/i)
        ? 'supporting'
        : 'decisive',
  tell: ({ alert }) => [
    'the process ',
    cite(alert, 'process.cmdline'),
    ' ran or wrote ',
    alert.process?.exepath == null ? cite(alert, 'process.name') : cite(alert, 'fields.proc.exepath'),
    ', started by ',
    cite(alert, 'process.parentName'),
  ],
  because: 'an image holds what a container needs; a program brought in afterwards came from somebody else',
}
