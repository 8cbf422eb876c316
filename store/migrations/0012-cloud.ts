/** The cloud: whose credentials a session of a role uses, and findings about identities under the kind their entities have. */
import { type Kysely, sql } from 'kysely'

const statements = [
  `create index activities_issued on activities ((properties #>> '{response,credentials,accessKeyId}'))
    where operation in ('AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity', 'GetFederationToken')`,
  `update findings set resource_kind = 'identity' where resource_kind = 'cloud_resource' and resource_key ~ '^arn:aws[a-z-]*:iam::[0-9]+:(user|role)/'`,
]

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
