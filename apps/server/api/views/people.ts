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
  createdAt,
  expiresAt,
  lastUsedAt,
  revokedAt,
}: ApiToken): z.infer<typeof TokenView> => ({ id, name, role, owner: userName, createdAt, expiresAt, lastUsedAt, revokedAt })
