/** Relations and steps in words, as a picture or a sentence shows them. */
import type { RelationType } from '../../domain/entity.ts'
import { stepRules } from '../steps/registry.generated.ts'

const relations: Readonly<Record<RelationType, string>> = {
  CONTAINS: 'contains',
  RUNS_ON: 'runs on',
  OWNS: 'owns',
  HAS_CONTAINER: 'has container',
  USES_IMAGE: 'uses image',
  RUNS_AS: 'runs as',
  SELECTS: 'selects',
  ROUTES_TO: 'routes to',
  BINDS: 'binds',
  GRANTS: 'grants',
  MOUNTS: 'takes in',
  HAS_PACKAGE: 'has package',
  ASSUMES: 'may become',
  EXPOSES: 'exposes',
  AFFECTED_BY: 'is affected by',
  VIOLATES: 'fails',
  EXECUTED: 'executed',
  OPENED: 'opened',
  CONNECTED_TO: 'connected to',
}
export const relationWords = (type: RelationType): string => relations[type]

const steps: ReadonlyMap<string, string> = new Map(stepRules.map(({ name, title }) => [name, title]))
/** Of a rule that is no more, its name. */
export const stepWords = (type: string): string => steps.get(type) ?? type
