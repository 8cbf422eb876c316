/** Which fix takes a step away. What one setting of a workload takes away is fixed by the same change as what scanners say of that setting. */
import type { Setting } from '../domain/control.ts'
import type { Fix, NewStep } from '../domain/graph.ts'
import { fixIdFrom } from '../store/fix-marks.ts'
import { objectKeyOf } from './risk-places.ts'
import type { World } from './world.ts'

/** Steps by type that one setting takes away. */
const settingOfStep: Readonly<Record<string, Setting>> = {
  'escape-privileged': 'privileged',
  'escape-host-pid': 'host-pid',
  'host-ipc': 'host-ipc',
  'host-network': 'host-network',
  'escape-host-path': 'host-path',
  'escape-runtime-socket': 'runtime-socket',
}

export function stepFixId(world: World, step: Pick<NewStep, 'type'>, fix: Fix): string {
  const setting = settingOfStep[step.type]
  const place = setting === undefined ? undefined : world.places.find(({ ref }) => ref.kind === fix.on.kind && ref.key === fix.on.key)
  return setting === undefined || place === undefined
    ? fixIdFrom(['step', world.scope, fix.key])
    : fixIdFrom(['setting', place.ref.scope, place.ref.kind, objectKeyOf(place), setting])
}
