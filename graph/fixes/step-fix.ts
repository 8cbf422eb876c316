/** Which fix takes a step away. What one setting of a workload takes away is fixed by the same change as what scanners say of that setting. */
import type { Setting } from '../../domain/control.ts'
import type { Fix } from '../../domain/graph.ts'
import { fixIdFrom } from '../../store/fix-marks.ts'
import type { World } from '../world.ts'

/** By the first word of a fix’s key: what decides is the change, for one change takes away steps of several rules. */
const settingOfKey: Readonly<Record<string, Setting>> = {
  privileged: 'privileged',
  'host-pid': 'host-pid',
  'host-ipc': 'host-ipc',
  'host-network': 'host-network',
  'host-path': 'host-path',
  'runtime-socket': 'runtime-socket',
  'host-port': 'host-port',
  token: 'account-token',
}

export function stepFixId(world: World, fix: Fix): string {
  const setting = settingOfKey[fix.key.split('/', 1)[0] ?? '']
  const place = setting === undefined ? undefined : world.places.find(({ ref }) => ref.kind === fix.on.kind && ref.key === fix.on.key)
  return setting === undefined || place === undefined
    ? fixIdFrom(['step', world.scope, fix.key])
    : fixIdFrom(['setting', place.ref.scope, place.ref.kind, place.name, setting])
}
