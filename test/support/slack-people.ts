/** A site that is in Slack over HTTP, and people of it who said who they are there. */
import { type SlackApp, startSlack } from '../../apps/slack/app.ts'
import type { Site, SiteOptions, Visitor } from './site.ts'
import { botToken, signed, signingSecret, type SlackWorkspace } from './slack-workspace.ts'

export const slackConfig = (workspace: SlackWorkspace): NonNullable<SiteOptions['config']> => ({
  FALCONER_SLACK_BOT_TOKEN: botToken,
  FALCONER_SLACK_SIGNING_SECRET: signingSecret,
  FALCONER_SLACK_API_URL: workspace.url,
})

export type InSlack = {
  slack: SlackApp
  /** As Slack sends it, to the server’s own address; answered, and all that follows done. */
  send(body: Record<string, unknown>, headers?: Record<string, string>): Promise<Response>
  /** By /falconer link and the page. */
  link(name: string, visitor: Visitor): Promise<void>
}

export async function inSlack(site: Site, workspace: SlackWorkspace): Promise<InSlack> {
  const slack = await startSlack(site.falconer, { stepMs: 20 })
  site.falconer.slack = slack
  const send: InSlack['send'] = async (body, headers = {}) => {
    const { body: text, headers: ours } = signed(body, { at: site.clock.now() })
    const answer = await site.ask('/slack/events', { method: 'POST', body: text, headers: { ...ours, ...headers } })
    await slack.settle()
    return answer
  }
  const link: InSlack['link'] = async (name, visitor) => {
    const answer = await (await send(workspace.command(name, 'link'))).text()
    const path = linkIn(answer)
    if (path === '') throw new Error(`no link: ${answer} ${site.logged.slice(-3).join('\n')}`)
    const done = await site.ask(path, { as: visitor, form: { me: 'yes' } })
    if (done.status !== 200) throw new Error(`${done.status} ${await done.text()}`)
  }
  return { slack, send, link }
}

/** The path of the link that /falconer link answered. */
export const linkIn = (answer: string): string => /\/slack\/link\/fls_[\w-]+/.exec(answer)?.[0] ?? ''
