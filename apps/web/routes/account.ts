/** One's own account: passkeys, API tokens, signing out. Nobody can reach another person's here. */
import { registerPasskey, registrationOptions, removePasskey } from '../../../auth/passkeys.ts'
import { createToken, revokeToken, signOut } from '../../../auth/people.ts'
import { listTokens, passkeysOf } from '../../../store/credentials.ts'
import { grantsOf } from '../../../store/oauth.ts'
import { slackUsersOf } from '../../../store/slack-links.ts'
import { mcpScopes } from '../../server/oauth-site.ts'
import { siteOf } from '../../server/urls.ts'
import { clearSession } from '../../server/who.ts'
import { accountPage } from '../people-page.ts'
import { call, form, page, roleFrom, type Shown, type SignedIn, type WebRoute } from '../route.ts'

const show = async ({ falconer, who }: SignedIn, made: { token: string } | null): Promise<Shown> =>
  accountPage(falconer, who, {
    passkeys: await passkeysOf(falconer.db, who.principal.personId),
    tokens: await listTokens(falconer.db, who.principal.personId),
    programs: await grantsOf(falconer.db, who.principal.personId, falconer.clock.now()),
    slack: await slackUsersOf(falconer.db, who.principal.personId),
    made,
  })

export const accountRoutes: readonly WebRoute[] = [
  page('/account', 'tokens.own', (visit) => show(visit, null)),
  form('/account/tokens', 'tokens.own', async (visit) => {
    const { falconer, who, fields } = visit
    const made = await createToken(falconer.auth, who, {
      userId: who.principal.personId,
      name: fields.get('name'),
      role: roleFrom(fields),
      ...(fields.get('only') === 'mcp' ? { scopes: fields.all('scope').filter((one) => mcpScopes.includes(one)) } : {}),
      days: Math.min(366, Math.max(1, Math.floor(Number(fields.get('days'))) || 90)),
    })
    return show(visit, made)
  }),
  form('/account/tokens/:token/revoke', 'tokens.own', async ({ falconer, context, who, param }) => {
    await revokeToken(falconer.auth, who, param('token'), who.principal.personId)
    return context.redirect('/account', 303)
  }),
  call('/account/passkeys/options', 'tokens.own', ({ falconer, context, who }) =>
    registrationOptions(falconer.auth, who, siteOf(falconer, context)),
  ),
  call('/account/passkeys', 'tokens.own', async ({ falconer, context, who, body }) => {
    const name = typeof body.name === 'string' ? body.name : ''
    await registerPasskey(falconer.auth, who, siteOf(falconer, context), name, body.response)
    return { added: true }
  }),
  form('/account/passkeys/remove', 'tokens.own', async ({ falconer, context, who, fields }) => {
    await removePasskey(falconer.auth, who, fields.get('id'))
    return context.redirect('/account', 303)
  }),
  form('/sign-out', 'tokens.own', async ({ falconer, context, who }) => {
    if (who.sessionToken !== null) await signOut(falconer.auth, who, who.sessionToken)
    clearSession(context, falconer)
    falconer.changed('people')
    return context.redirect('/sign-in', 303)
  }),
]
