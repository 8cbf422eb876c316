/** Signing in: by a one-time link or a passkey. All of it is public; a link is used up by its button, never by opening it. */
import { authenticationOptions, signInWithPasskey } from '../../../auth/passkeys.ts'
import { signInWithLink } from '../../../auth/people.ts'
import { hashSecret } from '../../../auth/secrets.ts'
import { linkIsOpen } from '../../../store/people.ts'
import { safeNext, siteOf } from '../../server/urls.ts'
import { setSession } from '../../server/who.ts'
import { publicCall, publicForm, publicPage, type Visit, type WebRoute } from '../route.ts'
import { deadLinkPage, signInPage, useLinkPage } from '../sign-in-page.ts'

const agentOf = ({ context }: Visit): string | null => context.req.header('user-agent') ?? null

export const signInRoutes: readonly WebRoute[] = [
  publicPage('/sign-in', async ({ falconer, query }) => signInPage(falconer, safeNext(query('next')))),
  publicPage('/sign-in/:token', async ({ falconer, context, param }) => {
    const open = await linkIsOpen(falconer.db, hashSecret(param('token')), falconer.clock.now())
    return open === undefined ? context.html(deadLinkPage(falconer), 403) : context.html(useLinkPage(falconer, param('token'), open.name))
  }),
  publicForm('/sign-in/:token', async (visit) => {
    const { falconer, context, param } = visit
    setSession(context, falconer, await signInWithLink(falconer.auth, param('token'), agentOf(visit)))
    falconer.changed('people')
    return context.redirect('/incidents', 303)
  }),
  publicCall('/passkeys/sign-in/options', ({ falconer, context }) => authenticationOptions(falconer.auth, siteOf(falconer, context))),
  publicCall('/passkeys/sign-in', async (visit) => {
    const { falconer, context, body } = visit
    const session = await signInWithPasskey(falconer.auth, siteOf(falconer, context), body.response, agentOf(visit))
    setSession(context, falconer, session)
    return { next: safeNext(typeof body.next === 'string' ? body.next : undefined) }
  }),
]
