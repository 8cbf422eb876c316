/** Operations on people, their one-time links, and API tokens. */
import { z } from 'zod'
import { createToken, invite, type Link, newLinkFor, revokeToken, setDisabled, setRole } from '../../../auth/people.ts'
import { NotFoundError } from '../../../domain/errors.ts'
import { Role, roleAtLeast } from '../../../domain/principal.ts'
import { listTokens } from '../../../store/credentials.ts'
import { getUser, listUsers } from '../../../store/people.ts'
import type { Falconer } from '../falconer.ts'
import { mcpScopes } from '../oauth-site.ts'
import { linkUrl } from '../urls.ts'
import { operation } from './operation.ts'
import { date } from './views/fields.ts'
import { TokenView, tokenView, UserView, userView } from './views/people.ts'

const linkView = z.object({ user: UserView, url: z.string().describe('One-time link; shown this once'), expiresAt: date })
const shown = (falconer: Falconer, link: Link): z.infer<typeof linkView> => ({
  user: userView(link.user),
  url: linkUrl(falconer, link.token),
  expiresAt: link.expiresAt,
})

async function userId(falconer: Falconer, idOrName: string): Promise<string> {
  const user = await getUser(falconer.db, idOrName)
  if (user === undefined) throw new NotFoundError(`There is nobody called ${idOrName}.`)
  return user.id
}

export const peopleOperations = [
  operation({
    id: 'listUsers',
    method: 'GET',
    path: '/users',
    permission: 'people.read',
    summary: 'People',
    response: z.object({ users: z.array(UserView) }),
    run: async ({ falconer: { db } }) => ({ users: (await listUsers(db)).map(userView) }),
  }),
  operation({
    id: 'inviteUser',
    method: 'POST',
    path: '/users',
    permission: 'people.manage',
    summary: 'Add somebody; answers their one-time link',
    reveals: true,
    body: z.object({ name: z.string(), role: Role }),
    response: linkView,
    run: async ({ falconer, who, body }) => {
      const link = await invite(falconer.auth, who, body.name, body.role)
      falconer.changed('people')
      return shown(falconer, link)
    },
  }),
  operation({
    id: 'linkUser',
    method: 'POST',
    path: '/users/:user/link',
    permission: 'people.manage',
    summary: 'A fresh one-time link',
    reveals: true,
    body: z.object({}).default({}),
    response: linkView,
    run: async ({ falconer, who, params }) =>
      shown(falconer, await newLinkFor(falconer.auth, who, await userId(falconer, params.user ?? ''))),
  }),
  operation({
    id: 'changeUser',
    method: 'POST',
    path: '/users/:user',
    permission: 'people.manage',
    summary: 'Change role, disable or enable',
    body: z.object({ role: Role.optional(), disabled: z.boolean().optional() }),
    response: UserView,
    run: async ({ falconer, who, params, body }) => {
      const id = await userId(falconer, params.user ?? '')
      if (body.role !== undefined) await setRole(falconer.auth, who, id, body.role)
      if (body.disabled !== undefined) await setDisabled(falconer.auth, who, id, body.disabled)
      falconer.changed('people')
      const user = await getUser(falconer.db, id)
      if (user === undefined) throw new NotFoundError('There is no such person.')
      return userView(user)
    },
  }),
  operation({
    id: 'listTokens',
    method: 'GET',
    path: '/tokens',
    permission: 'tokens.own',
    summary: 'Your API tokens; an administrator sees everybody’s',
    response: z.object({ tokens: z.array(TokenView) }),
    run: async ({ falconer: { db }, who: { principal } }) => ({
      tokens: (await listTokens(db, roleAtLeast(principal.role, 'administrator') ? null : principal.personId)).map(tokenView),
    }),
  }),
  operation({
    id: 'createToken',
    method: 'POST',
    path: '/tokens',
    permission: 'tokens.own',
    summary: 'Make an API token; it can never approve',
    reveals: true,
    body: z.object({
      name: z.string(),
      role: Role.default('viewer'),
      days: z.number().int().min(1).max(366).default(90),
      scopes: z
        .array(z.enum(mcpScopes as [string, ...string[]]))
        .min(1)
        .optional()
        .describe('Only for MCP, and there only with these; not given: all that the role may'),
      user: z.string().optional().describe('Whose; only the command line beside the data may make one for somebody else'),
    }),
    response: z.object({ id: z.string(), token: z.string().describe('Shown this once'), expiresAt: date }),
    run: async ({ falconer, who, body }) => {
      const owner = who.principal.kind === 'operator' ? await userId(falconer, body.user ?? 'admin') : who.principal.personId
      return createToken(falconer.auth, who, { userId: owner, name: body.name, role: body.role, days: body.days, scopes: body.scopes })
    },
  }),
  operation({
    id: 'revokeToken',
    method: 'DELETE',
    path: '/tokens/:token',
    permission: 'tokens.own',
    summary: 'Revoke a token',
    response: z.object({ revoked: z.boolean() }),
    run: async ({ falconer, who, params }) => {
      await revokeToken(
        falconer.auth,
        who,
        params.token ?? '',
        roleAtLeast(who.principal.role, 'administrator') ? null : who.principal.personId,
      )
      return { revoked: true }
    },
  }),
]
