/** People: invite, links, roles, disable. A link made here is shown once, on the answer to the form. */
import { invite, type Link, newLinkFor, setDisabled, setRole } from '../../../auth/people.ts'
import { listUsers } from '../../../store/people.ts'
import { linkUrl } from '../../server/urls.ts'
import { peoplePage } from '../people-page.ts'
import { form, page, roleFrom, type Shown, type SignedIn, type WebRoute } from '../route.ts'

const show = async ({ falconer, who }: SignedIn, link: Link | null): Promise<Shown> =>
  peoplePage(
    falconer,
    who,
    await listUsers(falconer.db),
    link === null ? null : { name: link.user.name, url: linkUrl(falconer, link.token), expiresAt: link.expiresAt },
  )

export const peopleRoutes: readonly WebRoute[] = [
  page('/people', 'people.read', (visit) => show(visit, null)),
  form('/people', 'people.manage', async (visit) => {
    const { falconer, who, fields } = visit
    const link = await invite(falconer.auth, who, fields.get('name'), roleFrom(fields))
    falconer.changed('people')
    return show(visit, link)
  }),
  form('/people/:user/link', 'people.manage', async (visit) =>
    show(visit, await newLinkFor(visit.falconer.auth, visit.who, visit.param('user'))),
  ),
  form('/people/:user/role', 'people.manage', async ({ falconer, context, who, param, fields }) => {
    await setRole(falconer.auth, who, param('user'), roleFrom(fields))
    falconer.changed('people')
    return context.redirect('/people', 303)
  }),
  ...(['disable', 'enable'] as const).map((to) =>
    form(`/people/:user/${to}`, 'people.manage', async ({ falconer, context, who, param }) => {
      await setDisabled(falconer.auth, who, param('user'), to === 'disable')
      falconer.changed('people')
      return context.redirect('/people', 303)
    }),
  ),
]
