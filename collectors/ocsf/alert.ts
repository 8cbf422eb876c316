/** From a detection finding to an alert: who, from where, what ran, as far as its evidence says. Pure. */
import { createHash } from 'node:crypto'
import type { NewAlert } from '../../domain/alert.ts'
import { canonicalJson } from '../../domain/canonical-json.ts'
import { documentKey } from '../../domain/document-key.ts'
import { InputError } from '../../domain/errors.ts'
import type { Piece, SourceContext } from '../collector.ts'
import { awsIdentity, factsOf, portOf, processOf, relayedAlert, wholeNumber, wordOrNull } from '../relayed-alert.ts'
import { cut } from '../words.ts'
import { type Ocsf, severityIn, timeIn } from './shape.ts'

export function alertOf(ocsf: Ocsf, document: Record<string, unknown>, piece: Piece, source: SourceContext): NewAlert {
  const { info, device } = ocsf
  // GuardDuty’s titles name the instance; its types are its rules.
  const type = ocsf.producer === 'guardduty' ? info.types.find((one) => /^\w+:\w+\//.test(one)) : undefined
  const rule = type || info.analytic.name || info.title || ocsf.message || (info.types[0] ?? '')
  if (rule === '') throw new InputError('it does not say what was detected (finding_info.title, finding_info.analytic.name or message)')
  const [evidence] = ocsf.evidences
  const path = evidence?.file.path ?? ''
  return relayedAlert(
    {
      contentKey: keyOf(ocsf, piece, source),
      sensor: 'ocsf',
      sensorSource: ocsf.producer,
      rule,
      severity: severityIn(ocsf),
      atNs: timeIn(ocsf),
      hostname: wordOrNull(device.hostname || device.name),
      tags: [...info.types, ...(/^(?:suppressed|archived|resolved)$/i.test(ocsf.status) ? [ocsf.status.toLowerCase()] : [])]
        .slice(0, 30)
        .map((tag) => cut(tag, 200)),
      attack: attackOf(ocsf),
      output: wordOrNull(cut([...new Set([info.title, ocsf.message, info.desc])].filter((one) => one !== '').join(': '), 4_000)),
      container: containerOf(ocsf),
      process: processIn(ocsf),
      file: wordOrNull(path),
      connection: connectionOf(ocsf),
      fields: fieldsOf(ocsf),
      document,
      raw: piece.bytes,
    },
    source,
  )
}

/** The same finding of the same time is the same detection, however it was written; each update is another. */
function keyOf({ info, producer, time, time_dt }: Ocsf, { document, bytes }: Piece, { scope }: SourceContext): string {
  const at = time ?? time_dt
  if (info.uid === '' || (typeof at !== 'number' && typeof at !== 'string'))
    return documentKey(document?.text ?? new TextDecoder().decode(bytes), scope)
  return createHash('sha256')
    .update(canonicalJson([scope, producer, info.uid, at]))
    .digest('hex')
}

/** "T1071.004 - Application Layer Protocol" begins with its id. */
const attackOf = ({ info, attacks }: Ocsf): string[] =>
  [...info.attacks, ...attacks]
    .flatMap(({ tactic, tactics, technique, sub_technique }) => [tactic, ...tactics, technique, sub_technique])
    .flatMap(({ uid, name }) => [uid, name, name.split(' ')[0] ?? ''])
    .filter((one) => one !== '')

function containerOf({ container, evidences }: Ocsf): NewAlert['container'] {
  const found = [container, ...evidences.map((one) => one.container)].find(({ uid }) => uid !== '')
  return found === undefined
    ? null
    : { id: found.uid, name: wordOrNull(found.name), image: wordOrNull(found.image.name || found.image.uid) }
}

function processIn({ process, evidences }: Ocsf): NewAlert['process'] {
  const found = [process, ...evidences.map((one) => one.process)].find(({ name, cmd_line, pid }) => name + cmd_line + pid !== '')
  if (found === undefined) return null
  return processOf({
    name: wordOrNull(found.name),
    pid: wholeNumber(found.pid),
    cmdline: wordOrNull(found.cmd_line),
    exepath: wordOrNull(found.file.path),
    parentName: wordOrNull(found.parent_process.name),
    parentCmdline: wordOrNull(found.parent_process.cmd_line),
    parentPid: wholeNumber(found.parent_process.pid),
    user: wordOrNull(found.user.name),
    uid: wholeNumber(found.user.uid),
  })
}

const endpoints = (ocsf: Ocsf) => [ocsf, ...ocsf.evidences].find((one) => one.src_endpoint.ip + one.dst_endpoint.ip !== '')

function connectionOf(ocsf: Ocsf): NewAlert['connection'] {
  const found = endpoints(ocsf)
  if (found === undefined) return null
  const { src_endpoint: client, dst_endpoint: server, connection_info } = found
  return {
    clientIp: wordOrNull(client.ip),
    clientPort: portOf(client.port),
    serverIp: wordOrNull(server.ip),
    serverPort: portOf(server.port),
    protocol: wordOrNull(connection_info.protocol_name),
  }
}

function fieldsOf(ocsf: Ocsf): Record<string, unknown> {
  const { cloud, info, provider } = ocsf
  const [resource] = [...ocsf.resources, ...ocsf.resource]
  const users = [ocsf.actor, ...ocsf.evidences.map(({ actor }) => actor)].map(({ user }) => user)
  const user = users.find(({ uid, name, email_addr }) => uid + name + email_addr !== '')
  const call = [ocsf.api, ...ocsf.evidences.map((one) => one.api)].find(({ operation }) => operation !== '')
  const arn = [user?.uid, user?.uid_alt, user?.uuid].find((one) => one?.startsWith('arn:')) ?? ''
  const isKubernetes = /kubernetes|eks|gke|aks/i.test(`${provider} ${call?.service.name ?? ''} ${ocsf.producer}`)
  const isAws = provider === 'aws' || arn !== ''
  return factsOf({
    'ocsf.class': ocsf.class_uid,
    'finding.id': info.uid,
    'cloud.provider': provider,
    'cloud.account': ocsf.account,
    'cloud.region': cloud.region,
    'resource.id': resource?.uid ?? '',
    'resource.type': resource?.type ?? '',
    'user.name': user?.name ?? '',
    'ct.name': isAws ? (call?.operation ?? '') : '',
    'ct.src': isAws ? (call?.service.name ?? '') : '',
    'ct.srcip': isAws ? (endpoints(ocsf)?.src_endpoint.ip ?? '') : '',
    ...awsIdentity(arn),
    'gcp.user': provider === 'gcp' ? user?.email_addr || (user?.uid ?? '') : '',
    'ka.user.name': isKubernetes ? (user?.name ?? '') : '',
  })
}
