/** What to change, in a sentence. Names in it are others’ text: it is shown as such. */
import { settingText } from '../../domain/control.ts'
import type { FixInput } from './fix-from.ts'

export function titleOfFix({ evidence, steps }: FixInput, version: string | null): string {
  const [first] = evidence?.resources ?? []
  const [step] = steps
  if (evidence === undefined || first === undefined) return cut(step?.facts.fix?.text ?? 'Take away what the steps stand on')
  switch (evidence.kind) {
    case 'base_image': {
      const names = [...new Set(evidence.resources.flatMap(({ distribution }) => distribution ?? []))].sort()
      const base =
        names.length > 0
          ? names.join(', ')
          : evidence.what.startsWith('sha256:')
            ? `lowest layer ${evidence.what.slice(0, 19)}`
            : evidence.what
      return cut(
        `Build ${evidence.resources.length === 1 ? first.name : `${evidence.resources.length} images`} on a newer base image (${base})`,
      )
    }
    case 'package':
      return cut(
        version === null
          ? `Update ${first.packageName ?? 'the package'} in ${first.name}: no fixed version is known`
          : `Update ${first.packageName ?? 'the package'} in ${first.name} to ${version}`,
      )
    case 'secret':
      return cut(`Take secrets out of ${first.name}, and change them`)
    case 'flaw':
      return cut(`Update ${first.name}`)
    default:
      return cut(
        `${objectOf(first.key, first.name, first.kind)}: ${settingText(evidence.what) ?? first.candidates[0]?.title ?? evidence.what}`,
      )
  }
}

/** "Deployment shop/checkout" of shop/Deployment/checkout. */
function objectOf(key: string, name: string, kind: string): string {
  const [namespace, object, called, more] = key.split('/')
  if (called === undefined || more !== undefined || object === undefined) return `${kind.replaceAll('_', ' ')} ${name}`
  return namespace === '-' ? `${object} ${called}` : `${object} ${namespace}/${called}`
}

const cut = (text: string): string => (text.length > 400 ? `${text.slice(0, 399)}…` : text)
