import { leaving } from '../kubernetes/leaving.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever sees the processes of the node reads what they were started with and, where the user is the same, their files. */
export const readHostProcesses: StepRule = {
  name: 'read-host-processes',
  title: 'Read what other processes of the node were given',
  technique: techniques.filesOnHost,
  unit: 'namespace',
  steps: (world) =>
    leaving(
      world,
      'code runs in it as the user that other processes run as',
      ({ code, end }) => code === 'host_pid' && end === 'node-processes',
    ),
}
