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
  /** By /falconer link, the page, and the code that it shows. */
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
    const said = await (await send(workspace.command(name, `link ${await codeAt(site, path, visitor)}`))).text()
    if (!said.includes('in Falconer now')) throw new Error(said)
  }
  return { slack, send, link }
}

/** The path of the link that /falconer link answered. */
export const linkIn = (answer: string): string => /\/slack\/link\/fls_[\w-]+/.exec(answer)?.[0] ?? ''

/** The code that the page of a link shows to this person. */
export async function codeAt(site: Site, path: string, visitor: Visitor): Promise<string> {
  const page = await (await site.ask(path, { as: visitor, form: {} })).text()
  return /\/falconer link ([A-Z2-9]{4}-[A-Z2-9]{4})</.exec(page)?.[1] ?? ''
}
