/** Checks of scanners whose failing is a way: rights of an administrator, and what anyone on the internet reaches. Names as the scanners give them. */

/** Of a user or role: it may do everything. */
export const administratorChecks: readonly string[] = [
  'prowler/iam_role_administratoraccess_policy',
  'prowler/iam_role_administratoraccess_policy_permissive_trust_relationship',
  'prowler/iam_user_administrator_access_policy',
  'prowler/iam_inline_policy_no_administrative_privileges',
]
/** Of a user or role: it may give itself what it has not. */
export const escalationChecks: readonly string[] = [
  'prowler/iam_inline_policy_allows_privilege_escalation',
  'prowler/iam_role_chained_privilege_escalation',
]

/** Data that is read without a flaw, once it is found. */
export const publicDataChecks: readonly string[] = [
  'prowler/s3_bucket_public_access',
  'prowler/s3_bucket_public_list_acl',
  'prowler/s3_bucket_object_public',
  'prowler/ec2_ebs_public_snapshot',
  'prowler/ec2_ami_public',
  'prowler/rds_snapshots_public_access',
  'prowler/neptune_cluster_public_snapshot',
  'prowler/documentdb_cluster_public_snapshot',
  'prowler/ecr_repositories_not_publicly_accessible',
  'prowler/secretsmanager_not_publicly_accessible',
  'prowler/glacier_vaults_policy_public_access',
  'prowler/ssm_documents_set_as_public',
  'security-hub/S3.2',
  'security-hub/EC2.1',
  'security-hub/RDS.1',
  'security-hub/SSM.4',
  'security-hub/DocumentDB.3',
  'security-hub/Neptune.3',
]

const openPorts = `any_port all_ports high_risk_tcp_ports port_mongodb_27017_27018 tcp_ftp_port_20_21 tcp_port_22 tcp_port_3389
  tcp_port_cassandra_7199_9160_8888 tcp_port_elasticsearch_kibana_9200_9300_5601 tcp_port_kafka_9092 tcp_port_memcached_11211
  tcp_port_mysql_3306 tcp_port_oracle_1521_2483 tcp_port_postgres_5432 tcp_port_redis_6379 tcp_port_sql_server_1433_1434 tcp_port_telnet_23`
const exposedServices = `cassandra cifs elasticsearch_kibana ftp kafka kerberos ldap memcached mongodb mysql oracle postgresql rdp redis sqlserver
  ssh telnet`

/** What listens to the internet, and lets in who finds a flaw or a password. */
export const publicServiceChecks: readonly string[] = [
  ...openPorts.split(/\s+/).map((port) => `prowler/ec2_securitygroup_allow_ingress_from_internet_to_${port}`),
  ...exposedServices.split(/\s+/).map((service) => `prowler/ec2_instance_port_${service}_exposed_to_internet`),
  'prowler/ec2_instance_public_ip',
  'prowler/ec2_instance_internet_facing_with_instance_profile',
  'prowler/rds_instance_no_public_access',
  'prowler/redshift_cluster_public_access',
  'prowler/dms_instance_no_public_access',
  'prowler/opensearch_service_domains_not_publicly_accessible',
  'prowler/awslambda_function_not_publicly_accessible',
  'prowler/eks_cluster_not_publicly_accessible',
  'prowler/emr_cluster_publicly_accesible',
  'security-hub/EC2.9',
  'security-hub/EC2.13',
  'security-hub/EC2.14',
  'security-hub/EC2.18',
  'security-hub/EC2.19',
  'security-hub/RDS.2',
  'security-hub/Redshift.1',
  'security-hub/DMS.1',
  'security-hub/Lambda.1',
  'security-hub/EKS.1',
  'security-hub/EMR.1',
  'security-hub/ES.2',
  'security-hub/Opensearch.2',
]

export const cloudChecks: readonly string[] = [...administratorChecks, ...escalationChecks, ...publicDataChecks, ...publicServiceChecks]
