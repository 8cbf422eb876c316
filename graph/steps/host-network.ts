import { leaving } from '../kubernetes/leaving.ts'
import type { StepRule } from '../step-rule.ts'
import { techniques } from '../techniques.ts'

/** On the network of the node: services that trust its loopback, its kubelet, the metadata service of its cloud, and all its traffic. */
export const hostNetwork: StepRule = {
  name: 'host-network',
  title: 'Use the network of the node',
  technique: techniques.networkSniffing,
  unit: 'namespace',
  steps: (world) => leaving(world, 'code runs in one of its containers', ({ code }) => code === 'host_network'),
}
