/** Pages and the API as a person who is signed in asks them, without a socket. */
import type { Falconer } from '../apps/server/falconer.ts'
import { createApp } from '../apps/server/http.ts'
import { invite, signInWithLink } from '../auth/people.ts'
import { operatorPrincipal } from '../domain/principal.ts'

/** Asks for a path and reads all of its answer, which must be 200. */
export async function askPages(falconer: Falconer): Promise<(path: string) => Promise<void>> {
  const app = createApp(falconer)
  const link = await invite(falconer.auth, { principal: operatorPrincipal, channel: 'cli' }, 'Bench', 'viewer')
  const { token } = await signInWithLink(falconer.auth, link.token, 'bench')
  const headers = { host: 'localhost', cookie: `falconer_session=${token}` }
  return async (path) => {
    const answer = await app.request(`http://localhost${path}`, { headers })
    await answer.text()
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`)
  }
}
