/** Changes to a place that a fact about it and a step from it name alike: told apart by their keys, one change must not go by two. Pure. */
import type { Fix } from '../../domain/graph.ts'
import { fixed } from '../evidence.ts'
import type { Place } from '../world.ts'

type Named = Pick<Place, 'name' | 'title' | 'ref'>

export const keptFromOthers = ({ name, title, ref }: Named): Fix =>
  fixed(`network-policy/${name}`, `Let only those that need it reach ${title} (a NetworkPolicy for ingress)`, ref)

export const noToken = ({ name, title, ref }: Named): Fix =>
  fixed(`token/${name}`, `Give ${title} no token (set automountServiceAccountToken to false)`, ref)

export const noSecret = ({ name, title, ref }: Named, secret: string): Fix =>
  fixed(`secret-mount/${name}/${secret}`, `Do not give Secret ${secret} to ${title}`, ref)

export const noHostNetwork = ({ name, title, ref }: Named): Fix =>
  fixed(`host-network/${name}`, `Give ${title} a network of its own (hostNetwork: false)`, ref)
