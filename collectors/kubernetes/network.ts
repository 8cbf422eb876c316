/** How traffic gets to pods, and what keeps it from them. Selectors are kept as written: whom they select changes with every pod, and the graph asks then. */
import type { NewRecord } from '../collector.ts'
import { kubernetesResource } from '../resources.ts'
import { type Json, list, type Made, number, record, relation, strings, text, texts } from './fields.ts'

export function serviceProperties(spec: Json, status: Json): Json {
  return {
    type: text(spec.type) ?? 'ClusterIP',
    selector: strings(spec.selector),
    clusterIP: text(spec.clusterIP),
    externalName: text(spec.externalName),
    externalIPs: texts(spec.externalIPs),
    sourceRanges: texts(spec.loadBalancerSourceRanges),
    loadBalancer: list(record(status.loadBalancer).ingress)
      .map(record)
      .flatMap(({ hostname, ip }) => text(hostname) ?? text(ip) ?? []),
    ports: list(spec.ports)
      .map(record)
      .map((port) => ({
        name: text(port.name),
        port: number(port.port),
        targetPort: number(port.targetPort) ?? text(port.targetPort),
        nodePort: number(port.nodePort),
        protocol: text(port.protocol) ?? 'TCP',
      })),
  }
}

/** `ingress` and `egress` as written: a list without entries lets nothing through, none at all says nothing. */
export const networkPolicyProperties = (spec: Json): Json => ({
  podSelector: record(spec.podSelector),
  policyTypes: texts(spec.policyTypes),
  ingress: Array.isArray(spec.ingress) ? spec.ingress : null,
  egress: Array.isArray(spec.egress) ? spec.egress : null,
})

type Route = { host: string | null; path: string | null; service: string; port: number | string | null }
export function ingressProperties(spec: Json): Json & { routes: Route[] } {
  const rules = list(spec.rules).map(record)
  const routes = rules.flatMap(({ host, http }) =>
    list(record(http).paths)
      .map(record)
      .flatMap(({ path, backend }) => routeTo(backend, text(host), text(path))),
  )
  return {
    className: text(spec.ingressClassName),
    hosts: [...new Set(rules.flatMap(({ host }) => text(host) ?? []))],
    tls: list(spec.tls)
      .map(record)
      .map(({ hosts, secretName }) => ({ hosts: texts(hosts), secret: text(secretName) })),
    routes: [...routeTo(spec.defaultBackend ?? spec.backend, null, null), ...routes],
  }
}

/** Of networking.k8s.io/v1, and of the betas that manifests still are. */
function routeTo(backend: unknown, host: string | null, path: string | null): Route[] {
  const { service, serviceName, servicePort } = record(backend)
  const name = text(record(service).name) ?? text(serviceName)
  if (name === null) return []
  const port = record(record(service).port)
  return [{ host, path, service: name, port: number(port.number) ?? text(port.name) ?? number(servicePort) ?? text(servicePort) }]
}

export function* ingressRelations(routes: readonly Route[], { ref, namespace, at }: Made): Iterable<NewRecord> {
  const { scope } = ref
  for (const name of new Set(routes.map(({ service }) => service)))
    yield relation(
      ref,
      'ROUTES_TO',
      { scope, kind: 'service', key: kubernetesResource({ kind: 'Service', namespace, name }, scope).key },
      at,
    )
}
