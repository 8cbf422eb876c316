import { describe, expect, it } from 'vitest'
import { trailDetections } from './detections.ts'

type Event = Record<string, unknown>
const account = '111122223333'
const other = '999988887777'
const person = {
  type: 'IAMUser',
  arn: `arn:aws:iam::${account}:user/mara`,
  userName: 'mara',
  accountId: account,
  accessKeyId: 'AKIDEXAMPLE',
}
const root = { type: 'Root', arn: `arn:aws:iam::${account}:root`, accountId: account }
const pipeline = { type: 'AssumedRole', arn: `arn:aws:sts::${account}:assumed-role/deploy/run-7`, accountId: account }
const instance = { type: 'AssumedRole', arn: `arn:aws:sts::${account}:assumed-role/web/i-0123456789abcdef0`, accountId: account }

function event(service: string, eventName: string, requestParameters: unknown = null, more: Event = {}): Event {
  return {
    eventVersion: '1.08',
    eventID: `${service}-${eventName}`,
    eventTime: '2026-05-04T03:02:01Z',
    eventSource: `${service}.amazonaws.com`,
    eventName,
    awsRegion: 'eu-central-1',
    sourceIPAddress: '203.0.113.9',
    userAgent: 'aws-cli/2.15 md/linux',
    userIdentity: person,
    recipientAccountId: account,
    requestParameters,
    responseElements: null,
    ...more,
  }
}
const denied = { errorCode: 'AccessDenied' }
const policy = (...statements: unknown[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allow = (Principal: unknown): unknown => ({ Effect: 'Allow', Principal, Action: 'sts:AssumeRole' })
const everything = { Effect: 'Allow', Action: ['s3:GetObject', '*'], Resource: '*' }
const ingress = (fromPort: number, cidrIp: string): unknown => ({
  groupId: 'sg-1',
  ipPermissions: { items: [{ ipProtocol: 'tcp', fromPort, toPort: fromPort, ipRanges: { items: [{ cidrIp }] }, ipv6Ranges: {} }] },
})
const signIn = (answer: string, mfa: string, who: unknown): Event =>
  event('signin', 'ConsoleLogin', null, {
    userIdentity: who,
    responseElements: { ConsoleLogin: answer },
    additionalEventData: { MFAUsed: mfa },
  })

/** Of each detection an event that it is for, and one that is nearly the same and harmless. */
const examples: Record<string, [hit: Event, benign: Event]> = {
  'account-authorization-read': [event('iam', 'GetAccountAuthorizationDetails'), event('iam', 'GetAccountSummary')],
  'alarm-deleted': [
    event('monitoring', 'DeleteAlarms', { alarmNames: ['errors'] }),
    event('monitoring', 'DeleteAlarms', { alarmNames: ['scale-in'] }, { sourceIPAddress: 'autoscaling.amazonaws.com' }),
  ],
  'ami-shared': [
    event('ec2', 'ModifyImageAttribute', { imageId: 'ami-1', launchPermission: { add: { items: [{ userId: other }] } } }),
    event('ec2', 'ModifyImageAttribute', { imageId: 'ami-1', launchPermission: { remove: { items: [{ userId: other }] } } }),
  ],
  'backup-deleted': [
    event('backup', 'DeleteRecoveryPoint', { backupVaultName: 'main' }),
    event(
      'backup',
      'DeleteRecoveryPoint',
      { backupVaultName: 'main' },
      { userIdentity: { ...pipeline, invokedBy: 'backup.amazonaws.com' } },
    ),
  ],
  'cloudtrail-bucket-expires-early': [
    event('s3', 'PutBucketLifecycle', { bucketName: 'trail', LifecycleConfiguration: { Rule: { Expiration: { Days: 1 } } } }),
    event('s3', 'PutBucketLifecycle', { bucketName: 'trail', LifecycleConfiguration: { Rule: { Expiration: { Days: 365 } } } }),
  ],
  'cloudtrail-deleted': [event('cloudtrail', 'DeleteTrail', { name: 'main' }), event('cloudtrail', 'CreateTrail', { name: 'main' })],
  'cloudtrail-event-selectors-narrowed': [
    event('cloudtrail', 'PutEventSelectors', { eventSelectors: [{ includeManagementEvents: false, readWriteType: 'All' }] }),
    event('cloudtrail', 'PutEventSelectors', { eventSelectors: [{ includeManagementEvents: true, readWriteType: 'All' }] }),
  ],
  'cloudtrail-stopped': [event('cloudtrail', 'StopLogging', { name: 'main' }), event('cloudtrail', 'StartLogging', { name: 'main' })],
  'config-recorder-stopped': [event('config', 'StopConfigurationRecorder'), event('config', 'StartConfigurationRecorder')],
  'console-login-failed': [signIn('Failure', 'Yes', person), signIn('Success', 'Yes', person)],
  'console-login-without-mfa': [signIn('Success', 'No', person), signIn('Success', 'No', pipeline)],
  'dns-query-logs-deleted': [
    event('route53resolver', 'DeleteResolverQueryLogConfig'),
    event('route53resolver', 'GetResolverQueryLogConfig'),
  ],
  'ebs-snapshot-shared': [
    event('ec2', 'ModifySnapshotAttribute', { snapshotId: 'snap-1', createVolumePermission: { add: { items: [{ group: 'all' }] } } }),
    event('ec2', 'ModifySnapshotAttribute', { snapshotId: 'snap-1', createVolumePermission: { remove: { items: [{ group: 'all' }] } } }),
  ],
  'ec2-instance-connect': [
    event('ec2-instance-connect', 'SendSSHPublicKey', { instanceId: 'i-1', instanceOSUser: 'ec2-user' }),
    event('ec2-instance-connect', 'OpenTunnel', { instanceId: 'i-1' }),
  ],
  'ec2-instance-credentials-elsewhere': [
    event('s3', 'ListBuckets', null, { userIdentity: instance, userAgent: 'aws-cli/1.18 Python/3.8 Darwin/19.5.0' }),
    event('s3', 'ListBuckets', null, { userIdentity: instance, userAgent: 'aws-cli/1.18 Python/3.8 Linux/6.1' }),
  ],
  'ec2-instance-credentials-used': [
    event('sts', 'GetCallerIdentity', null, { userIdentity: instance }),
    event('sts', 'GetCallerIdentity', null, { userIdentity: instance, sourceIPAddress: '10.0.3.4' }),
  ],
  'ec2-password-data-read': [
    event('ec2', 'GetPasswordData', { instanceId: 'i-1' }),
    event('ec2', 'DescribeInstances', { instanceId: 'i-1' }),
  ],
  'ec2-unusual-instances-launched': [
    event('ec2', 'RunInstances', { instanceType: 'p3.16xlarge' }, denied),
    event('ec2', 'RunInstances', { instanceType: 't3.micro' }),
  ],
  'ec2-user-data-changed': [
    event('ec2', 'ModifyInstanceAttribute', { instanceId: 'i-1', userData: '<sensitiveDataRemoved>' }),
    event('ec2', 'ModifyInstanceAttribute', { instanceId: 'i-1', disableApiTermination: { value: false } }),
  ],
  'ec2-user-data-read': [
    event('ec2', 'DescribeInstanceAttribute', { instanceId: 'i-1', attribute: 'userData' }),
    event('ec2', 'DescribeInstanceAttribute', { instanceId: 'i-1', attribute: 'instanceType' }),
  ],
  'ecr-repository-opened': [
    event('ecr', 'SetRepositoryPolicy', { repositoryName: 'shop', policyText: policy(allow('*')) }),
    event('ecr', 'SetRepositoryPolicy', { repositoryName: 'shop', policyText: policy(allow({ AWS: `arn:aws:iam::${account}:root` })) }),
  ],
  'ecs-command-executed': [
    event('ecs', 'ExecuteCommand', { cluster: 'main', task: 't' }),
    event('ecs', 'DescribeTasks', { cluster: 'main' }),
  ],
  'eks-access-granted': [
    event('eks', 'AssociateAccessPolicy', { policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy' }),
    event('eks', 'AssociateAccessPolicy', { policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy' }),
  ],
  'guardduty-disabled': [
    event('guardduty', 'UpdateDetector', { detectorId: 'd', enable: false }),
    event('guardduty', 'UpdateDetector', { detectorId: 'd', enable: true }),
  ],
  'iam-access-key-for-another': [
    event('iam', 'CreateAccessKey', { userName: 'backup' }),
    event('iam', 'CreateAccessKey', { userName: 'mara' }),
  ],
  'iam-administrator-attached': [
    event('iam', 'AttachRolePolicy', { roleName: 'r', policyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
    event('iam', 'AttachRolePolicy', { roleName: 'r', policyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }),
  ],
  'iam-inline-administrator': [
    event('iam', 'PutUserPolicy', { userName: 'u', policyDocument: policy(everything) }),
    event('iam', 'PutUserPolicy', { userName: 'u', policyDocument: policy({ ...everything, Effect: 'Deny' }) }),
  ],
  'iam-login-profile-changed': [
    event('iam', 'UpdateLoginProfile', { userName: 'ceo' }),
    event('iam', 'UpdateLoginProfile', { userName: 'mara' }),
  ],
  'iam-login-profile-created': [
    event('iam', 'CreateLoginProfile', { userName: 'backup' }),
    event('iam', 'GetLoginProfile', { userName: 'backup' }),
  ],
  'iam-mfa-removed': [event('iam', 'DeactivateMFADevice', { userName: 'mara' }), event('iam', 'EnableMFADevice', { userName: 'mara' })],
  'iam-role-created-for-account': [
    event('iam', 'CreateRole', { roleName: 'r', assumeRolePolicyDocument: policy(allow({ AWS: [`arn:aws:iam::${other}:root`] })) }),
    event('iam', 'CreateRole', { roleName: 'r', assumeRolePolicyDocument: policy(allow({ AWS: `arn:aws:iam::${account}:root` })) }),
  ],
  'iam-role-trust-opened': [
    event('iam', 'UpdateAssumeRolePolicy', {
      roleName: 'r',
      policyDocument: policy(allow({ Service: 'ec2.amazonaws.com' }), allow({ AWS: `arn:aws:iam::${other}:root` })),
    }),
    event('iam', 'UpdateAssumeRolePolicy', { roleName: 'r', policyDocument: policy(allow({ Service: 'ec2.amazonaws.com' })) }),
  ],
  'iam-user-created': [event('iam', 'CreateUser', { userName: 'backup' }), event('iam', 'CreateUser', { userName: 'backup' }, denied)],
  'identity-provider-added': [event('rolesanywhere', 'CreateTrustAnchor'), event('rolesanywhere', 'ListTrustAnchors')],
  'kms-key-deletion-scheduled': [
    event('kms', 'ScheduleKeyDeletion', { keyId: 'k', pendingWindowInDays: 7 }),
    event('kms', 'CancelKeyDeletion', { keyId: 'k' }),
  ],
  'lambda-code-overwritten': [
    event('lambda', 'UpdateFunctionCode20150331v2', { functionName: 'f' }),
    event('lambda', 'UpdateFunctionCode20150331v2', { functionName: 'f' }, { userIdentity: pipeline }),
  ],
  'lambda-layer-added': [
    event('lambda', 'UpdateFunctionConfiguration20150331v2', { functionName: 'f', layers: ['arn:aws:lambda:::layer:x:1'] }),
    event('lambda', 'UpdateFunctionConfiguration20150331v2', { functionName: 'f', timeout: 30 }),
  ],
  'lambda-opened': [
    event('lambda', 'AddPermission20150331v2', { functionName: 'f', action: 'lambda:InvokeFunction', principal: '*' }),
    event('lambda', 'AddPermission20150331v2', { functionName: 'f', action: 'lambda:InvokeFunction', principal: 's3.amazonaws.com' }),
  ],
  'log-group-deleted': [
    event('logs', 'DeleteLogGroup', { logGroupName: '/app' }),
    event('logs', 'DeleteLogGroup', { logGroupName: '/app' }, denied),
  ],
  'organization-left': [event('organizations', 'LeaveOrganization', null, denied), event('organizations', 'DescribeOrganization')],
  'rds-master-password-changed': [
    event('rds', 'ModifyDBInstance', { dBInstanceIdentifier: 'd', masterUserPassword: '****' }),
    event('rds', 'ModifyDBInstance', { dBInstanceIdentifier: 'd', allocatedStorage: 20 }),
  ],
  'rds-snapshot-shared': [
    event('rds', 'ModifyDBSnapshotAttribute', { attributeName: 'restore', valuesToAdd: ['all'] }),
    event('rds', 'ModifyDBSnapshotAttribute', { attributeName: 'restore', valuesToRemove: ['all'] }),
  ],
  'root-access-key-created': [
    event('iam', 'CreateAccessKey', null, { userIdentity: root }),
    event('iam', 'CreateAccessKey', { userName: 'mara' }, { userIdentity: root }),
  ],
  'root-signed-in': [signIn('Success', 'Yes', root), signIn('Failure', 'Yes', root)],
  's3-acl-public': [
    event('s3', 'PutBucketAcl', { bucketName: 'b', 'x-amz-acl': 'public-read' }),
    event('s3', 'PutBucketAcl', { bucketName: 'b', 'x-amz-acl': 'private' }),
  ],
  's3-bucket-policy-opened': [
    event('s3', 'PutBucketPolicy', {
      bucketName: 'b',
      bucketPolicy: { Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }] },
    }),
    event('s3', 'PutBucketPolicy', { bucketName: 'b', bucketPolicy: { Statement: [{ Effect: 'Deny', Principal: '*', Action: 's3:*' }] } }),
  ],
  's3-public-access-allowed': [
    event('s3', 'PutBucketPublicAccessBlock', { PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: false } }),
    event('s3', 'PutBucketPublicAccessBlock', { PublicAccessBlockConfiguration: { BlockPublicAcls: true, BlockPublicPolicy: true } }),
  ],
  's3-versioning-suspended': [
    event('s3', 'PutBucketVersioning', { VersioningConfiguration: { Status: 'Suspended' } }),
    event('s3', 'PutBucketVersioning', { VersioningConfiguration: { Status: 'Enabled' } }),
  ],
  'secrets-manager-secret-read': [
    event('secretsmanager', 'GetSecretValue', { secretId: 'db' }),
    event('secretsmanager', 'GetSecretValue', { secretId: 'db' }, { userIdentity: pipeline }),
  ],
  'security-group-opened': [
    event('ec2', 'AuthorizeSecurityGroupIngress', ingress(22, '0.0.0.0/0')),
    event('ec2', 'AuthorizeSecurityGroupIngress', ingress(22, '203.0.113.0/24')),
  ],
  'security-hub-disabled': [event('securityhub', 'DisableSecurityHub'), event('securityhub', 'GetFindings')],
  'serial-console-enabled': [event('ec2', 'EnableSerialConsoleAccess'), event('ec2', 'DisableSerialConsoleAccess')],
  'ssm-command-sent': [
    event('ssm', 'SendCommand', { documentName: 'AWS-RunShellScript', instanceIds: ['i-1'] }),
    event('ssm', 'SendCommand', { documentName: 'AWS-GatherSoftwareInventory', instanceIds: ['i-1'] }),
  ],
  'ssm-secure-parameters-read': [
    event('ssm', 'GetParameters', { names: ['/db/password'], withDecryption: true }),
    event('ssm', 'GetParameters', { names: ['/db/host'], withDecryption: false }),
  ],
  'ssm-session-started': [event('ssm', 'StartSession', { target: 'i-1' }), event('ssm', 'DescribeSessions', { state: 'Active' })],
  'sts-federation-token': [event('sts', 'GetFederationToken', { name: 'x' }), event('sts', 'GetSessionToken')],
  'vpc-flow-logs-deleted': [event('ec2', 'DeleteFlowLogs', null), event('ec2', 'DescribeFlowLogs', null)],
}

const found = (one: Event): string[] => trailDetections.matching(one).map(({ id }) => id)

describe('detections of CloudTrail', () => {
  it('have an example each', () => {
    expect(Object.keys(examples).sort()).toEqual(trailDetections.all.map(({ id }) => id))
    expect(trailDetections.all.length).toBeGreaterThanOrEqual(40)
  })

  it.each(Object.entries(examples))('%s: its event, and not the harmless one beside it', (id, [hit, benign]) => {
    expect(found(hit)).toContain(id)
    expect(found(benign)).not.toContain(id)
  })

  it('say nothing of everyday events', () => {
    for (const name of ['DescribeInstances', 'ListBuckets', 'AssumeRole', 'Decrypt', 'GetBucketAcl', 'PutObject'])
      for (const who of [person, pipeline, instance, root, undefined])
        expect(found(event('ec2', name, null, { userIdentity: who }))).toEqual([])
  })
})
