/** The API's operations mounted as routes, and their OpenAPI document, both from the same list. */
import { Hono } from 'hono'
import { z } from 'zod'
import { InputError } from '../../../domain/errors.ts'
import { stringifyExact } from '../../../domain/exact-json.ts'
import { permissions } from '../../../domain/principal.ts'
import { redactDeep } from '../../../domain/redact.ts'
import type { Falconer } from '../falconer.ts'
import { readJson } from '../read-json.ts'
import { type AppContext, checkCsrf, permit, SignInError, type Who } from '../who.ts'
import { activityOperations } from './activities.ts'
import { baselineOperations } from './baseline.ts'
import { chatOperations } from './chat.ts'
import { findingOperations } from './findings.ts'
import { fixOperations } from './fixes.ts'
import { graphOperations } from './graph.ts'
import { importOperations } from './import.ts'
import { incidentOperations } from './incidents.ts'
import { investigationOperations } from './investigations.ts'
import { ocsfOperations } from './ocsf.ts'
import type { Operation } from './operation.ts'
import { peopleOperations } from './people.ts'
import { proposalOperations } from './proposals.ts'
import { ruleOperations } from './rules.ts'
import { sourceOperations } from './sources.ts'
import { systemOperations } from './system.ts'

export const operations: readonly Operation[] = [
  ...incidentOperations,
  ...investigationOperations,
  ...chatOperations,
  ...proposalOperations,
  ...baselineOperations,
  ...findingOperations,
  ...fixOperations,
  ...activityOperations,
  ...graphOperations,
  ...ocsfOperations,
  ...ruleOperations,
  ...sourceOperations,
  ...importOperations,
  ...peopleOperations,
  ...systemOperations,
]

export function apiRoutes(falconer: Falconer): Hono {
  const routes = new Hono()
  routes.get('/openapi.json', (context) => context.json(openApi()))
  for (const one of operations) routes.on(one.method, one.path, (context) => answer(context as unknown as AppContext, falconer, one))
  return routes
}

async function answer(context: AppContext, falconer: Falconer, one: Operation): Promise<Response> {
  const who = permit(context.get('who'), one.permission)
  if (who === null) throw new SignInError('Sign in first.')
  if (one.method !== 'GET') checkCsrf(who, context.req.header('x-csrf-token'))
  const query = checked(one.query ?? z.object({}), context.req.query(), 'query') as Record<string, unknown>
  const stream = one.streams === true ? context.req.raw.body : null
  const body = one.body === undefined ? undefined : checked(one.body, await bodyOf(context), 'body')
  const result = await one.run({
    falconer,
    who: who as Who,
    params: context.req.param() as Record<string, string>,
    query,
    body,
    stream,
  } as never)
  return context.body(stringifyExact(one.reveals === true ? result : redactDeep(result)), 200, {
    'content-type': 'application/json; charset=utf-8',
  })
}

async function bodyOf(context: AppContext): Promise<unknown> {
  const text = await context.req.text()
  if (text === '') return undefined
  return readJson(text)
}

function checked(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new InputError(
    `The ${where} is not right: ${parsed.error.issues
      .slice(0, 5)
      .map((issue) => `${issue.path.join('.') || where}: ${issue.message}`)
      .join('; ')}`,
  )
}

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): unknown => {
  const { $schema: _schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<string, unknown>
  return rest
}

/** OpenAPI 3.1, generated. */
export function openApi(): unknown {
  const problem = {
    description: 'A problem: what, where, what to do',
    content: {
      'application/problem+json': {
        schema: {
          type: 'object',
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            detail: { type: 'string' },
            code: { type: 'string' },
          },
        },
      },
    },
  }
  const paths: Record<string, Record<string, unknown>> = {}
  for (const one of operations) {
    const path = `/api/v1${one.path.replace(/:(\w+)/g, '{$1}')}`
    const names = [...one.path.matchAll(/:(\w+)/g)].map((match) => match[1])
    const query =
      one.query === undefined
        ? []
        : Object.entries(one.query.shape as Record<string, z.ZodType>).map(([name, schema]) => ({
            name,
            in: 'query',
            required: !schema.safeParse(undefined).success,
            schema: schemaOf(schema, 'input'),
          }))
    ;(paths[path] ??= {})[one.method.toLowerCase()] = {
      operationId: one.id,
      summary: one.summary,
      'x-permission': one.permission,
      'x-least-role': permissions[one.permission],
      parameters: [...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })), ...query],
      ...(one.streams === true
        ? { requestBody: { content: { 'application/octet-stream': { schema: {} } } } }
        : one.body === undefined
          ? {}
          : { requestBody: { content: { 'application/json': { schema: schemaOf(one.body, 'input') } } } }),
      responses: {
        200: { description: 'OK', content: { 'application/json': { schema: schemaOf(one.response, 'output') } } },
        default: problem,
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Falconer',
      version: '1',
      description: 'Alerts in, incidents investigated, responses proposed; approved by people on the page.',
    },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
    paths,
  }
}
