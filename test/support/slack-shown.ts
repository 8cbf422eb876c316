/** What a reader sees of a message in Slack, as lines of text; and every part of it that Slack would read for mentions, links or styles. */
type Part = {
  type?: string
  text?: unknown
  elements?: Part[]
  url?: string
  fallback?: string
  range?: string
  name?: string
  style?: unknown
}

export function shownText(blocks: readonly unknown[]): string {
  return (blocks as Part[]).map(blockText).join('\n')
}

function blockText(block: Part): string {
  const elements = block.elements ?? []
  if (block.type === 'header') return `# ${(block.text as Part).text as string}`
  if (block.type === 'actions')
    return elements.map((one) => `[${(one.text as Part).text as string}]${one.url === undefined ? '' : ` -> ${one.url}`}`).join('  ')
  if (block.type === 'context') return elements.map((one) => `(${one.text as string})`).join(' ')
  return elements
    .map((one) => {
      if (one.type === 'rich_text_list') return (one.elements ?? []).map((item) => `  • ${inlineText(item)}\n`).join('')
      if (one.type === 'rich_text_preformatted') return `\`\`\`\n${inlineText(one)}\n\`\`\`\n`
      return block.elements?.[block.elements.indexOf(one) + 1]?.type === 'rich_text_list' ? `${inlineText(one)}\n` : inlineText(one)
    })
    .join('')
    .trimEnd()
}

const inlineText = ({ elements = [] }: Part): string =>
  elements
    .map((one) =>
      one.type === 'link'
        ? `<${one.text as string}>`
        : one.type === 'date'
          ? (one.fallback ?? '')
          : one.type === 'broadcast'
            ? `@${one.range}`
            : (one.text as string),
    )
    .join('')

/** All that is not literal text: mrkdwn objects, links, mentions, emoji. */
export function live(value: unknown): Part[] {
  if (Array.isArray(value)) return value.flatMap(live)
  if (value === null || typeof value !== 'object') return []
  const part = value as Part
  const own = ['mrkdwn', 'markdown', 'link', 'user', 'usergroup', 'team', 'channel', 'broadcast', 'emoji', 'image', 'color'].includes(
    part.type ?? '',
  )
    ? [part]
    : []
  return [...own, ...Object.values(part).flatMap(live)]
}
/** Every string that is shown, with how long it may be. */
export function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(texts)
  if (value === null || typeof value !== 'object') return []
  return Object.entries(value).flatMap(([name, inner]) => (name === 'text' && typeof inner === 'string' ? [inner] : texts(inner)))
}
