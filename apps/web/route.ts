/**
 * The contract of what stands behind an address for people: a page that shows, a form that changes, a call that page.js makes.
 * Each declares one permission. Asked for in this order: a signed-in person, the permission, proof that our own page sent it,
 * then the work. A token is no person and gets none of these; a GET changes nothing.
 */
import { DeniedError, InputError } from '../../domain/errors.ts'
import { type Permission, Role } from '../../domain/principal.ts'
import type { Falconer } from '../server/falconer.ts'
import { readJson } from '../server/read-json.ts'
import { type AppContext, checkCsrf, permit, SignInError, type Who } from '../server/who.ts'
import type { Html } from './parts.ts'

export type Shown = Html | Response
export type Visit = {
  falconer: Falconer
  context: AppContext
  /** A parameter of the path. */ param(name: string): string
  /** A parameter of the query; undefined when it is not there. */ query(name: string): string | undefined
}
export type SignedIn = Visit & { who: Who }
export type Fields = { get(name: string): string; all(name: string): string[]; names: string[] }
export type Body = Record<string, unknown>

export type WebRoute = {
  kind: 'page' | 'form' | 'call'
  method: 'GET' | 'POST'
  path: string
  permission: Permission
  answer(falconer: Falconer, context: AppContext): Promise<Response>
}
type Held = Exclude<Permission, 'public'>

export const page = (path: string, permission: Held, show: (visit: SignedIn) => Promise<Shown>): WebRoute => ({
  kind: 'page',
  method: 'GET',
  path,
  permission,
  answer: async (falconer, context) => toResponse(context, await show({ ...visit(falconer, context), who: person(context, permission) })),
})

/** Posted by a form of ours, with the session's token in a field. */
export const form = (path: string, permission: Held, work: (visit: SignedIn & { fields: Fields }) => Promise<Shown>): WebRoute => ({
  kind: 'form',
  method: 'POST',
  path,
  permission,
  answer: async (falconer, context) => {
    const who = person(context, permission)
    const fields = await readForm(context)
    checkCsrf(who, fields.get('_csrf'))
    return toResponse(context, await work({ ...visit(falconer, context), who, fields }))
  },
})

/** Called by page.js with JSON, with the session's token in a header. */
export const call = (path: string, permission: Held, work: (visit: SignedIn & { body: Body }) => Promise<unknown>): WebRoute => ({
  kind: 'call',
  method: 'POST',
  path,
  permission,
  answer: async (falconer, context) => {
    const who = person(context, permission)
    checkCsrf(who, context.req.header('x-csrf-token'))
    return context.json((await work({ ...visit(falconer, context), who, body: await readBody(context) })) as object)
  },
})

/** For anybody: signing in. There is no session yet, so nothing but the origin check stands before a public form or call. */
export const publicPage = (path: string, show: (visit: Visit) => Promise<Shown>): WebRoute => ({
  kind: 'page',
  method: 'GET',
  path,
  permission: 'public',
  answer: async (falconer, context) => toResponse(context, await show(visit(falconer, context))),
})
export const publicForm = (path: string, work: (visit: Visit) => Promise<Shown>): WebRoute => ({
  ...publicPage(path, work),
  kind: 'form',
  method: 'POST',
})
export const publicCall = (path: string, work: (visit: Visit & { body: Body }) => Promise<unknown>): WebRoute => ({
  kind: 'call',
  method: 'POST',
  path,
  permission: 'public',
  answer: async (falconer, context) => context.json((await work({ ...visit(falconer, context), body: await readBody(context) })) as object),
})

/** A field that must be a role. Throws InputError. */
export function roleFrom(fields: Fields): Role {
  const role = Role.safeParse(fields.get('role'))
  if (!role.success) throw new InputError('Choose a role.')
  return role.data
}

const visit = (falconer: Falconer, context: AppContext): Visit => ({
  falconer,
  context,
  param: (name) => context.req.param(name as never) ?? '',
  query: (name) => context.req.query(name),
})

function person(context: AppContext, permission: Permission): Who {
  const who = context.get('who')
  if (who !== null && who.sessionToken === null)
    throw new DeniedError('person_only', 'Pages are for people. A token uses the API, below /api/v1.')
  if (permit(who, permission) === null || who === null) throw new SignInError('Sign in first.')
  return who
}

const toResponse = async (context: AppContext, shown: Shown): Promise<Response> =>
  shown instanceof Response ? shown : context.html(await shown)

async function readForm(context: AppContext): Promise<Fields> {
  const data = await context.req.formData().catch((error: unknown) => {
    throw new InputError('The form could not be read.', { cause: error })
  })
  for (const part of [...data.entries()].flat())
    if (typeof part === 'string' && part.includes('\0')) throw new InputError('The form holds a NUL character.')
  return { get: (name) => textOf(data.get(name)), all: (name) => data.getAll(name).map(textOf), names: [...data.keys()] }
}
/** A form of ours sends no files. */
const textOf = (part: ReturnType<FormData['get']>): string => (typeof part === 'string' ? part : '')

async function readBody(context: AppContext): Promise<Body> {
  const body = readJson(await context.req.text())
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw new InputError('The body is not a JSON object.')
  return body as Body
}
