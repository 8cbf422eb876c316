/** A signed-in person says which account in Slack is theirs, and ends it. */
import { confirmSlackLink, endSlackLink, slackRequest } from '../../../auth/slack-links.ts'
import { InputError } from '../../../domain/errors.ts'
import { form, page, type WebRoute } from '../route.ts'
import { slackLinkedPage, slackLinkPage } from '../slack-link-page.ts'

export const slackRoutes: readonly WebRoute[] = [
  page('/slack/link/:token', 'tokens.own', async ({ falconer, who, param }) =>
    slackLinkPage(falconer, who, await slackRequest(falconer.auth, param('token')), param('token')),
  ),
  form('/slack/link/:token', 'tokens.own', async ({ falconer, who, param, fields }) => {
    if (fields.get('me') !== 'yes') throw new InputError('Say that this Slack user is you, or refuse.')
    const asked = await confirmSlackLink(falconer.auth, who, param('token'))
    falconer.changed('people')
    return slackLinkedPage(falconer, who, asked)
  }),
  form('/account/slack/end', 'tokens.own', async ({ falconer, context, who, fields }) => {
    await endSlackLink(falconer.auth, who, { team: fields.get('team'), user: fields.get('user') })
    return context.redirect('/account', 303)
  }),
]
