/** docs/reference/api.md: every operation of the API, from the list its routes and its OpenAPI document are made of. */
import { operations } from '../../apps/server/api/api.ts'
import type { Operation } from '../../apps/server/api/operation.ts'
import { permissions } from '../../domain/principal.ts'
import { code, page, section, table } from './markdown.ts'

export function render(): Record<string, string> {
  return {
    'docs/reference/api.md': page(
      'HTTP API',
      `JSON below \`/api/v1\`, with \`Authorization: Bearer <API token>\`; a running server describes it in full at \`/api/v1/openapi.json\`.
Problems are answered as \`application/problem+json\` with a \`code\` for programs and a \`detail\` that says what to do.`,
      section('Operations', table(['Operation', 'Summary', 'Permission', 'Least role', 'Id'], operations.map(row))),
      section(
        'Outside the API',
        table(
          ['Operation', 'Summary', 'Permission'],
          [
            [
              code('POST /ingest/{collector}'),
              'Records, with the source’s secret as bearer token; answered 200 only after commit',
              code('ingest'),
            ],
            [code('POST /ingest/{collector}/{secret}'), 'The same, for senders that can set no header', code('ingest')],
            [code('GET /healthz'), 'Answers 200 while the server runs', code('public')],
          ],
        ),
      ),
    ),
  }
}

const row = ({ id, method, path, summary, permission }: Operation): string[] => [
  code(`${method} ${path.replace(/:(\w+)/g, '{$1}')}`),
  summary,
  code(permission),
  permissions[permission] ?? '–',
  code(id),
]
