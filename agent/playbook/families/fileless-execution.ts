import { type Family, hasTechnique, ruleSays } from '../family.ts'
import { cite } from '../sentence.ts'

/** A program run from memory, so that no file is left to find. */
export const filelessExecution: Family = {
  name: 'fileless-execution',
  title: 'a program run from memory',
  matches: (alert) =>
    ruleSays(alert, /memfd|fileless/i) || hasTechnique(alert, 'T1620') || /^memfd:|\(deleted\)$/.test(alert.process?.exepath ?? ''),
  weigh: () => 'conclusive',
  tell: ({ alert }) => ['the process ', cite(alert, 'process.cmdline'), ' ran from memory, started by ', cite(alert, 'process.parentName')],
  because: 'running from memory serves to leave no file behind',
}
