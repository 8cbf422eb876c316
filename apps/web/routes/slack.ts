/** A signed-in person is shown the code with which an account in Slack becomes theirs, and ends that. */
import { endSlackLink, slackLinkCode, slackRequest } from '../../../auth/slack-links.ts'
import { form, page, type WebRoute } from '../route.ts'
import { slackCodePage, slackLinkPage } from '../slack-link-page.ts'

export const slackRoutes: readonly WebRoute[] = [
  page('/slack/link/:token', 'tokens.own', async ({ falconer, who, param }) =>
    slackLinkPage(falconer, who, await slackRequest(falconer.auth, who, param('token')), param('token')),
  ),
  form('/slack/link/:token', 'tokens.own', async ({ falconer, who, param }) =>
    slackCodePage(falconer, who, await slackLinkCode(falconer.auth, who, param('token'))),
  ),
  form('/account/slack/end', 'tokens.own', async ({ falconer, context, who, fields }) => {
    await endSlackLink(falconer.auth, who, { team: fields.get('team'), user: fields.get('user') })
    return context.redirect('/account', 303)
  }),
]
