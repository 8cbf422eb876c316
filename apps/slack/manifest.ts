/** The manifest of the Slack app: everything Slack must be told, and the least it must allow, each with its reason. */

/** What the bot may do, and why. */
export const botScopes: Readonly<Record<string, string>> = {
  'chat:write': 'cards of incidents and proposals, and answers',
  'channels:history':
    'to find a card of its own again when an answer of Slack was lost, in channels that it was invited to; nothing else is read there',
  'groups:history': 'the same in private channels',
  'app_mentions:read': 'questions in channels: only messages that mention it are seen, no others',
  'im:history': 'questions in direct messages to it and in the assistant pane',
  'assistant:write': 'the assistant pane: questions that can be asked, one press each',
  commands: '/falconer',
}
const events = ['app_mention', 'message.im', 'assistant_thread_started', 'assistant_thread_context_changed']

/** `url`: Falconer’s public address, for HTTP; null: Socket Mode. */
export function slackManifest(url: string | null): Record<string, unknown> {
  const at = url === null ? null : `${url.replace(/\/$/, '')}/slack/events`
  const here = (key: string): Record<string, string> => (at === null ? {} : { [key]: at })
  return {
    display_information: {
      name: 'Falconer',
      description: 'Security incidents of your containers, questions about them, and approvals',
      background_color: '#1f2937',
    },
    features: {
      app_home: { home_tab_enabled: false, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
      bot_user: { display_name: 'Falconer', always_online: false },
      assistant_view: {
        assistant_description: 'Ask about incidents, findings, attack paths, and what nobody can see',
        suggested_prompts: [],
      },
      slash_commands: [
        {
          command: '/falconer',
          description: 'Incidents, what to fix first, coverage, questions',
          usage_hint: 'incidents | fix-first [namespace] | coverage | ask … | link | unlink | help',
          should_escape: false,
          ...here('url'),
        },
      ],
    },
    oauth_config: { scopes: { bot: Object.keys(botScopes) } },
    settings: {
      event_subscriptions: { bot_events: events, ...here('request_url') },
      interactivity: { is_enabled: true, ...here('request_url') },
      org_deploy_enabled: false,
      socket_mode_enabled: at === null,
      token_rotation_enabled: false,
    },
  }
}
