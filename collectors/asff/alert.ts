/** From a detection that came by Security Hub (GuardDuty’s, and others’ TTPs) to an alert. Pure. */
import { createHash } from 'node:crypto'
import type { NewAlert } from '../../domain/alert.ts'
import { canonicalJson } from '../../domain/canonical-json.ts'
import { documentKey } from '../../domain/document-key.ts'
import type { Piece, SourceContext } from '../collector.ts'
import { part, text } from '../loose.ts'
import { awsIdentity, factsOf, portOf, processOf, relayedAlert, wholeNumber, wordOrNull } from '../relayed-alert.ts'
import { cut } from '../words.ts'
import { type Asff, severityIn, timeIn } from './shape.ts'

export function alertOf(asff: Asff, document: Record<string, unknown>, piece: Piece, source: SourceContext): NewAlert {
  const types = [...new Set([...asff.Types, ...asff.FindingProviderFields.Types])]
  const [category = '', ...kind] = (types[0] ?? '').split('/')
  // GuardDuty’s own name of it has a slash, which these types keep for themselves.
  const name = (kind.at(-1) ?? '').replace(/^(\w+:\w+)-/, '$1/')
  return relayedAlert(
    {
      contentKey: keyOf(asff, piece, source),
      sensor: 'asff',
      sensorSource: asff.producer,
      // GuardDuty’s titles name the instance; its types are its rules.
      rule: (asff.producer === 'guardduty' ? name : '') || asff.Title || name || category,
      severity: severityIn(asff),
      atNs: timeIn(asff),
      tags: [
        ...types,
        ...(asff.RecordState === 'ARCHIVED' ? ['archived'] : []),
        ...(asff.Workflow.Status === 'SUPPRESSED' ? ['suppressed'] : []),
      ]
        .slice(0, 30)
        .map((tag) => cut(tag, 200)),
      attack: [...kind, ...kind.map((one) => one.split(':')[0] ?? '')],
      output: wordOrNull(cut([asff.Title, asff.Description].filter((one) => one !== '').join(': '), 4_000)),
      connection: connectionOf(asff),
      process: processOf({
        name: wordOrNull(asff.Process.Name),
        exepath: wordOrNull(asff.Process.Path),
        pid: wholeNumber(asff.Process.Pid),
        parentPid: wholeNumber(asff.Process.ParentPid),
      }),
      fields: fieldsOf(asff),
      document,
      raw: piece.bytes,
    },
    source,
  )
}

/** The same finding as it was last updated is the same detection, whoever exported it and whatever was noted on it since. */
function keyOf({ Id, ProductArn, UpdatedAt }: Asff, { document, bytes }: Piece, { scope }: SourceContext): string {
  if (Id === '' || typeof UpdatedAt !== 'string') return documentKey(document?.text ?? new TextDecoder().decode(bytes), scope)
  return createHash('sha256')
    .update(canonicalJson([scope, ProductArn, Id, UpdatedAt]))
    .digest('hex')
}

function fieldsOf(asff: Asff): Record<string, unknown> {
  const [resource] = asff.Resources
  const api = asff.Action.AwsApiCallAction
  const given = Object.entries(asff.ProductFields)
    .slice(0, 200)
    .map(([name, value]) => [cut(name, 300), text.parse(value)] as const)
  const user = given.find(([name]) => /kubernetesUserDetails\/username$/i.test(name))?.[1] ?? ''
  return factsOf({
    ...Object.fromEntries(given),
    'aws.account': asff.AwsAccountId,
    'aws.region': asff.Region,
    'aws.resource.id': resource?.Id ?? '',
    'aws.resource.type': resource?.Type ?? '',
    'finding.id': asff.Id,
    'ct.name': api.Api,
    'ct.src': api.ServiceName,
    'ct.srcip': api.RemoteIpDetails.IpAddressV4,
    'dns.domain': asff.Action.DnsRequestAction.Domain,
    'ka.user.name': user,
    ...identityOf(asff),
  })
}

const AccessKey = part({ PrincipalType: text, PrincipalId: text, PrincipalName: text, UserName: text, AccountId: text })

/** As CloudTrail writes the identity behind an access key, so that both speak of the same one. */
function identityOf({ Resources, AwsAccountId }: Asff): Record<string, string> {
  for (const { Id, Details } of Resources) {
    if (/^arn:aws[\w-]*:(?:iam::\d+:(?:user|role)\/|sts::\d+:assumed-role\/)/.test(Id)) return awsIdentity(Id)
    const key = AccessKey.parse(Details.AwsIamAccessKey)
    const [account, name] = [key.AccountId || AwsAccountId, key.UserName || key.PrincipalName]
    const session = key.PrincipalId.split(':')[1]
    switch (key.PrincipalType) {
      case 'IAMUser':
        return awsIdentity(name === '' ? '' : `arn:aws:iam::${account}:user/${name}`, key.PrincipalId)
      case 'AssumedRole':
        return awsIdentity(
          session === undefined || name === '' ? '' : `arn:aws:sts::${account}:assumed-role/${name}/${session}`,
          key.PrincipalId,
        )
      case 'Root':
        return awsIdentity(`arn:aws:iam::${account}:root`, key.PrincipalId)
    }
  }
  return {}
}

function connectionOf({ Action, Network }: Asff): NewAlert['connection'] {
  const made = Action.NetworkConnectionAction
  const remote = { ip: wordOrNull(made.RemoteIpDetails.IpAddressV4), port: portOf(made.RemotePortDetails.Port) }
  const local = { ip: null, port: portOf(made.LocalPortDetails.Port) }
  const [client, server] =
    remote.ip !== null
      ? made.ConnectionDirection === 'INBOUND'
        ? [remote, local]
        : [local, remote]
      : [
          { ip: wordOrNull(Network.SourceIpV4), port: portOf(Network.SourcePort) },
          { ip: wordOrNull(Network.DestinationIpV4), port: portOf(Network.DestinationPort) },
        ]
  if (client.ip === null && server.ip === null) return null
  const protocol = wordOrNull(made.Protocol || Network.Protocol)
  return { clientIp: client.ip, clientPort: client.port, serverIp: server.ip, serverPort: server.port, protocol }
}
