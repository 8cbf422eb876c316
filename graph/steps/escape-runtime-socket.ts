import { leaving } from '../kubernetes/leaving.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** Whoever talks to the container runtime starts a container that has all of the node; that its socket is mounted read-only stops no one. */
export const escapeRuntimeSocket: StepRule = {
  name: 'escape-runtime-socket',
  title: 'Escape through the socket of the container runtime',
  technique: techniques.escapeToHost,
  unit: 'namespace',
  steps: (world) =>
    leaving(world, 'code runs in a container that has the socket, as a user who may open it', ({ code }) => code === 'runtime_socket'),
}
