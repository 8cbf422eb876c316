/** Style, script and icon: read once, named by their content, cached for ever. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Hono } from 'hono'
import { mapSheet } from '../../graph/map/svg.ts'

const types: Record<string, string> = {
  'style.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
}
const files = new Map(Object.keys(types).map((name) => [name, readFileSync(new URL(`assets/${name}`, import.meta.url))]))
/** The sheet of a map is the map’s own; pages have it at the end of theirs. */
files.set('style.css', Buffer.concat([files.get('style.css') ?? Buffer.alloc(0), Buffer.from(mapSheet)]))
const versions = new Map([...files].map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex').slice(0, 12)]))

export const assetUrl = (name: string): string => `/assets/${versions.get(name)}/${name}`

export function assetRoutes(): Hono {
  const routes = new Hono()
  routes.get('/:version/:name', (context) => {
    const bytes = files.get(context.req.param('name'))
    if (bytes === undefined) return context.notFound()
    return context.body(new Uint8Array(bytes), 200, {
      'content-type': types[context.req.param('name')] ?? 'application/octet-stream',
      'cache-control': 'public, max-age=31536000, immutable',
    })
  })
  return routes
}
