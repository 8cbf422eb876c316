/** A Falco alert of the small shop's first pod, serious enough to be investigated and acted on; with whatever the test changes. */
import { containerId } from './records.ts'
import { podUid } from './shop.ts'

export const alertOfShop = (over: Record<string, unknown> = {}, fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  time: '2026-11-23T11:59:00.000000001Z',
  rule: 'Redirect STDOUT/STDIN to Network Connection in Container',
  priority: 'Critical',
  source: 'syscall',
  hostname: 'node-1',
  tags: ['T1059', 'mitre_execution', 'network'],
  output: 'Redirect stdout/stdin to network connection',
  output_fields: {
    'container.id': containerId(podUid).slice(0, 12),
    'proc.name': 'bash',
    'proc.pid': 42,
    'proc.cmdline': 'bash -i',
    'proc.pname': 'node',
    'user.name': 'root',
    'fd.name': '10.42.0.7:40000->203.0.113.9:4444',
    'fd.sip': '203.0.113.9',
    'fd.sport': 4444,
    ...fields,
  },
  ...over,
})
