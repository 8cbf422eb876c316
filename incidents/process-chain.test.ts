import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Alert } from '../domain/alert.ts'
import { noon, process_, storedAlert } from '../test/support/records.ts'
import { mainChain, type ProcessNode, processTrees } from './process-chain.ts'

let made = 0
const alert = (pid: bigint | null, parentPid: bigint | null, cmdline: string, over: Partial<NonNullable<Alert['process']>> = {}): Alert =>
  storedAlert(`a${(made += 1)}`, {
    eventNs: noon + BigInt(made),
    container: { id: '137fd247aabd', name: null, image: null },
    process: process_({ pid, parentPid, cmdline, name: cmdline.split(' ')[0] ?? '', ...over }),
  })
const drawn = (nodes: readonly ProcessNode[]): unknown =>
  nodes.map((node) => [node.implied ? `(${node.cmdline})` : node.cmdline, ...(node.children.length === 0 ? [] : [drawn(node.children)])])
const counted = (nodes: readonly ProcessNode[]): number =>
  nodes.reduce((sum, node) => sum + (node.implied ? 0 : node.alerts.length) + counted(node.children), 0)

describe('which process started which', () => {
  it('draws a tree from pids and parents, whatever the order, and says what is only implied', () => {
    const alerts = [
      alert(10n, 5n, 'sh -c fetch', {
        parentName: 'node',
        parentCmdline: 'node /app/server.js',
        ancestors: ['node', 'containerd-shim', 'systemd'],
      }),
      alert(12n, 11n, 'sh -i', { parentName: 'kworkerd', parentCmdline: 'kworkerd' }),
      alert(11n, 10n, 'kworkerd'),
      alert(13n, 12n, 'cat /etc/shadow'),
      alert(13n, 12n, 'cat /etc/shadow'),
      alert(14n, 10n, 'curl'),
    ]
    const trees = processTrees(alerts)
    expect(drawn(trees)).toEqual([
      ['(node /app/server.js)', [['sh -c fetch', [['kworkerd', [['sh -i', [['cat /etc/shadow']]]]], ['curl']]]]],
    ])
    expect(trees[0]?.above).toEqual(['containerd-shim', 'systemd'])
    expect(mainChain(trees).map((node) => node.cmdline)).toEqual([
      'node /app/server.js',
      'sh -c fetch',
      'kworkerd',
      'sh -i',
      'cat /etc/shadow',
    ])
  })

  it('keeps the same pid of two containers apart', () => {
    const other = { ...alert(10n, 5n, 'sh'), container: { id: 'ffffffffffff', name: null, image: null } }
    expect(processTrees([alert(10n, 5n, 'sh'), other])).toHaveLength(2)
  })

  it('never loops, and accounts for every alert that has a process, whatever pids are claimed', () => {
    const pid = fc.option(fc.bigInt({ min: 0n, max: 4n }))
    fc.assert(
      fc.property(fc.array(fc.tuple(pid, pid)), (pairs) => {
        const trees = processTrees(pairs.map(([own, parent], index) => alert(own, parent, `p${index % 3}`)))
        expect(counted(trees)).toBe(pairs.length)
        mainChain(trees)
      }),
    )
  })

  it('has nothing to draw without processes', () => expect(mainChain(processTrees([storedAlert('x')]))).toEqual([]))
})
