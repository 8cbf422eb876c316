/** Options of the commands on the graph: each means the same in all of them. */
import { Option } from 'commander'
import { type JsonOption, wholeNumber } from './command.ts'

export type Asked = JsonOption & { cluster?: string; asOf?: string }

export const nodeHelp = 'kind/namespace/name (deployment/shop/checkout), ARN, digest, id, or “internet”'
export const clusterOption = (): Option => new Option('--cluster <name>', 'the cluster or account, where a name is in several')
export const asOfOption = (): Option => new Option('--as-of <time>', 'as it was then: a day, or 2026-11-25T08:30:00Z')
export const typesOption = (): Option => new Option('--types <list>', 'only along these relations: RUNS_AS,MOUNTS')
export const depthOption = (most: number, preset: number): Option =>
  new Option('--depth <number>', `so many steps away, up to ${most}`).default(preset).argParser(wholeNumber(1, most))

/** As the API calls them. */
export const asked = ({ cluster: scope, asOf }: Asked): Record<string, string | undefined> => ({ scope, asOf })
