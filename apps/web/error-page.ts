/** What people see when something went wrong: what, where, and what to do. */
import { html } from 'hono/html'
import type { Falconer } from '../server/falconer.ts'
import type { Problem } from '../server/problems.ts'
import type { Who } from '../server/who.ts'
import { layout } from './layout.ts'
import type { Html } from './parts.ts'

export const errorPage = (falconer: Falconer, who: Who | null, problem: Problem): Html =>
  layout(
    { title: problem.title, place: null, who, falconer, narrow: true },
    html`<div class="card"><h1>${problem.title}</h1><p>${problem.detail}</p><p class="actions"><a class="button second" href="${who === null ? '/sign-in' : '/incidents'}">${who === null ? 'Sign in' : 'To the incidents'}</a></p></div>`,
  )
