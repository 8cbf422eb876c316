/** How the API shows people and tokens; never a hash, never a secret. */
import { z } from 'zod'
import { Role } from '../../../../domain/principal.ts'
import type { ApiToken } from '../../../../store/credentials.ts'
import type { User } from '../../../../store/people.ts'
import { date } from './fields.ts'

export const UserView = z.object({
  id: z.string(),
  name: z.string(),
  role: Role,
  createdAt: date,
  disabledAt: date.nullable(),
  lastSeenAt: date.nullable(),
})
export const userView = ({ id, name, role, createdAt, disabledAt, lastSeenAt }: User): z.infer<typeof UserView> => ({
  id,
  name,
  role,
  createdAt,
  disabledAt,
  lastSeenAt,
})

export const TokenView = z.object({
  id: z.string(),
  name: z.string(),
  role: Role,
  owner: z.string(),
  scopes: z.array(z.string()).nullable().describe('For MCP alone, and there with these; null: all that the role may'),
  createdAt: date,
  expiresAt: date,
  lastUsedAt: date.nullable(),
  revokedAt: date.nullable(),
})
export const tokenView = ({
  id,
  name,
  role,
  userName,
  scopes,
  createdAt,
  expiresAt,
  lastUsedAt,
  revokedAt,
}: ApiToken): z.infer<typeof TokenView> => ({ id, name, role, owner: userName, scopes, createdAt, expiresAt, lastUsedAt, revokedAt })
