/** docs/reference/permissions.md: roles, permissions, and which API operation asks for which. */
import { operations } from '../../apps/server/api/api.ts'
import { permissions, roleAtLeast, roles } from '../../domain/principal.ts'
import { code, page, section, table } from './markdown.ts'

export function render(): Record<string, string> {
  const named = Object.entries(permissions)
  return {
    'docs/reference/permissions.md': page(
      'Roles and permissions',
      `A person has one role: ${roles.join(' < ')}. Each may do all that the one before it may. Every route, page and command asks for one
permission. API tokens act with their owner’s role, but never approve: only a signed-in person does.`,
      section(
        'Which role may what',
        table(
          ['Permission', ...roles, 'API operations'],
          named.map(([name, least]) => [
            code(name),
            ...roles.map((role) => (least !== null && roleAtLeast(role, least) ? 'yes' : '–')),
            operations
              .filter((operation) => operation.permission === name)
              .map((operation) => code(operation.id))
              .join(', ') || '–',
          ]),
        ),
        'A permission no role has needs no role: `public` is open to everybody, `ingest` is a source’s own secret.',
      ),
    ),
  }
}
