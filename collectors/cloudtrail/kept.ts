/**
 * What of an event is stored: of its parameters and answers only the listed names (kept.ts). Passwords, parameters’ values, user data,
 * environments and session tokens have none of these names; the id of an access key, by which a session is known, has.
 */
import { parseExact, whyUnfit } from '../../domain/exact-json.ts'
import { keepListed, keepParts } from '../kept.ts'
import type { TrailEvent } from './event.ts'

const listed: ReadonlySet<string> = new Set(
  `instanceId instanceIds instancesSet items item instanceType instanceOSUser imageId imagesSet minCount maxCount attribute attributeName
  attributeType attributeValues subnetId vpcId vpcSet groupId groupIds groupName groupSet groupDescription volumeId snapshotId
  networkInterfaceId routeTableId internetGatewayId natGatewayId allocationId gatewayId destinationCidrBlock associationId
  userId userName userARN user users roleName roleArn role roles roleSessionName assumedRoleUser assumedRoleId arn ARN aRN durationSeconds
  policyName policyArn policyDocument policy assumeRolePolicyDocument bucketPolicy permissionsBoundary setAsDefault versionId isDefaultVersion
  Version Statement Sid Effect Principal AWS Service Federated CanonicalUser Action NotAction Resource NotResource
  credentials accessKeyId accessKey status federatedUser federatedUserId instanceProfileName serialNumber passwordResetRequired loginProfile
  secretId secretIds names name path withDecryption recursive keyId tier overwrite resourceType resourceId resourceArn resourceIdList
  bucketName key prefix acl x-amz-acl AccessControlPolicy AccessControlList Grant Grantee URI Permission VersioningConfiguration
  PublicAccessBlockConfiguration BlockPublicAcls IgnorePublicAcls BlockPublicPolicy RestrictPublicBuckets
  LifecycleConfiguration Rule Status Expiration Days ID
  trailName trailARN s3BucketName isMultiRegionTrail eventSelectors advancedEventSelectors includeManagementEvents readWriteType
  excludeManagementEventSources dataResources values FlowLogId content DeleteFlowLogsRequest detectorId enable configurationRecorderName
  cidrIp cidrIpv6 cidrIpv4 cidrBlock fromPort toPort ipProtocol ipPermissions ipRanges ipv6Ranges groups securityGroupRuleId securityGroupRuleSet
  isEgress egress ruleAction
  createVolumePermission launchPermission add remove group organizationArn dBSnapshotIdentifier dBClusterSnapshotIdentifier
  dBInstanceIdentifier dBClusterIdentifier publiclyAccessible deletionProtection valuesToAdd valuesToRemove
  documentName target targets sessionId commandId documentVersion cluster clusterName task container nodegroupName principalArn
  accessPolicyArn accessScope kubernetesGroups type taskDefinition serviceName
  functionName functionArn layers runtime codeSha256 publish dryRun action principal sourceAccount sourceArn eventSourceArn functionUrlAuthType authType
  repositoryName imageTag registryId pendingWindowInDays deletionDate
  keyName includeAllInstances ConsoleLogin CheckMfa PasswordRecoveryRequested
  source sourceType domain domainName hostedZoneId serviceCode spotFleetRequestConfig launchTemplate launchTemplateId
  trustAnchorId profileArns modelId expiration _return success`
    .split(/\s+/)
    .map((name) => name.toLowerCase()),
)
/** Of additionalEventData. */
const said: ReadonlySet<string> = new Set(
  ['LoginTo', 'MFAUsed', 'MobileVersion', 'MFAIdentifier', 'bytesTransferredIn', 'bytesTransferredOut', 'SwitchFrom', 'RedirectTo'].map(
    (name) => name.toLowerCase(),
  ),
)

const known: ReadonlySet<string> = new Set(
  `eventVersion eventID eventTime @timestamp eventSource eventName eventType eventCategory awsRegion sourceIPAddress userAgent errorCode
  errorMessage requestID readOnly managementEvent recipientAccountId sharedEventID vpcEndpointId vpcEndpointAccountId apiVersion resources
  sessionCredentialFromConsole tlsDetails userIdentity requestParameters responseElements additionalEventData serviceEventDetails`.split(
    /\s+/,
  ),
)
const parts = [
  ['requestParameters', listed],
  ['responseElements', listed],
  ['additionalEventData', said],
  ['serviceEventDetails', listed],
] as const

export function keepEvent(whole: TrailEvent): { event: TrailEvent; dropped: boolean } {
  let { event, dropped } = keepParts(whole, known)
  for (const [part, names] of parts) {
    if (!(part in event)) continue
    const one = keepListed(event[part], names)
    if (!one.dropped) continue
    dropped = true
    event = { ...event, [part]: one.value }
  }
  return { event, dropped }
}

/** Tables of events (Athena, CloudTrail Lake) have them as JSON in a text. */
export function unpackParts(event: TrailEvent): TrailEvent {
  const packed = parts.filter(([part]) => typeof event[part] === 'string')
  return packed.length === 0 ? event : { ...event, ...Object.fromEntries(packed.map(([part]) => [part, parsed(event[part] as string)])) }
}

function parsed(text: string): unknown {
  try {
    const value = parseExact(text)
    return whyUnfit(value) === null ? value : text
  } catch {
    // Text that only looks packed is text.
    return text
  }
}
