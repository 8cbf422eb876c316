/** Every response action there is, by name. */
import { InputError } from '../../domain/errors.ts'
import type { AnyAction } from '../action.ts'
import { kubernetesActions } from './kubernetes/registry.generated.ts'

export const actions: readonly AnyAction[] = kubernetesActions

const byName: ReadonlyMap<string, AnyAction> = new Map(actions.map((action) => [action.name, action]))

/** Throws InputError for a name that is not in the catalogue. */
export function getAction(name: string): AnyAction {
  const action = byName.get(name)
  if (action === undefined)
    throw new InputError(`There is no action “${name}”. There are: ${actions.map((known) => known.name).join(', ')}.`)
  return action
}
