/** An alert as OCSF Detection Finding (2004): what was detected, where, and the evidence as its sensor wrote it. Pure. */
import { fromDate } from '../../domain/event-time.ts'
import type { Alert } from '../../domain/alert.ts'
import { attacksOf, milliseconds, type OcsfEvent, ocsfEvent, resourceOf } from './event.ts'

export function detectionFinding(alert: Alert, url: string): OcsfEvent {
  const { rule, output, scope, eventNs, container, pod, hostname } = alert
  return ocsfEvent(
    {
      class: 2004,
      change: 'created',
      severity: alert.severity,
      atNs: eventNs,
      status: [1, 'New'],
      scope,
      message: output ?? rule,
      profiles: container === null ? [] : ['container'],
    },
    {
      is_alert: true,
      count: alert.seen,
      finding_info: {
        uid: alert.id,
        title: rule,
        desc: output,
        types: alert.tags,
        analytic: { name: rule, type_id: 1, type: 'Rule' },
        attacks: attacksOf(alert.tactics, alert.techniques),
        created_time: milliseconds(fromDate(alert.receivedAt)),
        first_seen_time: milliseconds(eventNs),
        last_seen_time: milliseconds(eventNs),
        data_sources: [alert.sensor, alert.sensorSource],
        src_url: url,
      },
      device: hostname === null ? null : { hostname, type_id: 0 },
      container: container === null ? null : { uid: container.id, name: container.name, image: { name: container.image } },
      resources:
        pod === null
          ? []
          : [
              resourceOf({
                key: pod.uid ?? `${pod.namespace}/Pod/${pod.name}`,
                name: pod.name,
                kind: 'pod',
                namespace: pod.namespace,
                scope,
              }),
            ],
      evidences: [evidenceOf(alert)],
    },
  )
}

/** Nothing at all where a sensor told of neither process, file, connection nor call. */
function evidenceOf({ process, file, connection, fields }: Alert): object {
  const said = (...names: string[]): string | undefined =>
    names.map((name) => fields[name]).find((value): value is string => typeof value === 'string' && value !== '')
  return {
    process: process && {
      name: process.name,
      pid: process.pid === null ? null : Number(process.pid),
      cmd_line: process.cmdline,
      file: fileOf(process.exepath),
      user: { name: process.user, uid: process.uid?.toString() },
      parent_process: {
        name: process.parentName,
        cmd_line: process.parentCmdline,
        pid: process.parentPid === null ? null : Number(process.parentPid),
      },
    },
    file: fileOf(file),
    src_endpoint: { ip: connection?.clientIp ?? said('ct.srcip'), port: connection?.clientPort },
    dst_endpoint: { ip: connection?.serverIp, port: connection?.serverPort },
    connection_info: connection?.protocol == null ? null : { protocol_name: connection.protocol, direction_id: 0 },
    actor: { user: { uid: said('aws.user.arn', 'ct.user.arn'), name: said('ka.user.name', 'gcp.user', 'user.name') } },
    api: { operation: said('ct.name', 'ka.verb'), service: { name: said('ct.src') } },
  }
}

const fileOf = (path: string | null): object | null =>
  path === null ? null : { path, name: path.slice(path.lastIndexOf('/') + 1) || path, type_id: 1 }
