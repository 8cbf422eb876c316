/** A person lets a program in, or refuses (OAuth's authorisation endpoint). Nobody is sent anywhere before they have pressed a button. */
import { answerAt, letIn, readRequest, type Request } from '../../../auth/oauth-consent.ts'
import { shutOut } from '../../../auth/oauth-tokens.ts'
import { contentPolicy } from '../../server/front-door.ts'
import { oauthSite } from '../../server/oauth-site.ts'
import { letInPage } from '../let-in-page.ts'
import { form, page, type SignedIn, type WebRoute } from '../route.ts'

const asked = [
  'client_id',
  'redirect_uri',
  'response_type',
  'code_challenge',
  'code_challenge_method',
  'state',
  'scope',
  'resource',
] as const
type Get = (name: string) => string | null
const siteHere = ({ falconer, context }: SignedIn) => oauthSite(falconer, context.req.header('host'))
const read = (visit: SignedIn, get: Get): Promise<Request> => readRequest(visit.falconer.auth, siteHere(visit), get)

export const letInRoutes: readonly WebRoute[] = [
  page('/oauth/authorize', 'tokens.own', async (visit) => {
    const { falconer, context, who, query } = visit
    const get: Get = (name) => query(name) ?? null
    const request = await read(visit, get)
    const { origin, hostname } = new URL(request.redirectUri)
    // A browser holds the answer of a form to this too. It has no word for an IPv6 address.
    context.header('content-security-policy', contentPolicy(` ${hostname.startsWith('[') ? 'http:' : origin}`))
    const fields = new Map(asked.flatMap((name): [string, string][] => (get(name) === null ? [] : [[name, get(name) ?? '']])))
    return letInPage(falconer, who, request, fields)
  }),
  form('/oauth/authorize', 'tokens.own', async (visit) => {
    const { falconer, context, who, fields } = visit
    const request = await read(visit, (name) => (fields.names.includes(name) ? fields.get(name) : null))
    const to = (answer: Record<string, string>): Response => context.redirect(answerAt(siteHere(visit), request, answer), 303)
    if (fields.get('answer') !== 'allow') return to({ error: 'access_denied' })
    return to({ code: await letIn(falconer.auth, who, request, fields.all('give')) })
  }),
  form('/account/programs/:grant/end', 'tokens.own', async ({ falconer, context, who, param }) => {
    await shutOut(falconer.auth, who, param('grant'))
    return context.redirect('/account', 303)
  }),
]
