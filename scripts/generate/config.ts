/** docs/reference/config.md, from the one schema of the configuration. */
import { Config } from '../../config/config.ts'
import { code, page, table } from './markdown.ts'
import { fieldsOf } from './schema.ts'

export function render(): Record<string, string> {
  const defaults = Config.parse({}) as Record<string, unknown>
  const rows = fieldsOf(Config).map(({ name, about, type }) => [code(name), about, typeName(type), presetOf(defaults[name])])
  return {
    'docs/reference/config.md': page(
      'Configuration',
      `Falconer is configured by environment variables. Each may also be given as a file: \`DATABASE_URL_FILE=/run/secrets/url\` reads the value
of \`DATABASE_URL\` from that file. An empty value counts as none. All problems are reported together at the start, and nothing starts with one.`,
      table(['Variable', 'What it does', 'Value', 'Default'], rows),
    ),
  }
}

const isFlag = (type: string): boolean => type.split(', ').includes('true') && type.split(', ').includes('false')
const typeName = (type: string): string => (isFlag(type) ? 'true or false' : type === 'string' ? 'text' : type)

function presetOf(value: unknown): string {
  if (value === undefined) return '–'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : code(value.join(','))
  return code(String(value))
}
