// Live pages, copy buttons, keyboard, passkeys. Without it every page and form still works.
const live = document.body.dataset.live?.split(' ') ?? []
const state = document.getElementById('live-state')

let queued = false
async function refresh() {
  if (queued) return
  queued = true
  await new Promise((resume) => setTimeout(resume, 300))
  queued = false
  // Somebody is writing or has opened a dialog: leave the page alone.
  const active = document.activeElement
  if (active !== null && active.matches('input, textarea, select') && document.getElementById('main').contains(active)) return
  if ([...document.querySelectorAll('main textarea, main input[type=text]')].some((field) => field.value !== field.defaultValue)) return
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null)
  if (answer === null || !answer.ok) return
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const open = [...document.querySelectorAll('details[open][id]')].map((one) => one.id)
  const focused = active?.id
  document.getElementById('main').replaceChildren(...next.getElementById('main').childNodes)
  document.title = next.title
  for (const id of open) document.getElementById(id)?.setAttribute('open', '')
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
}

if (live.length > 0) {
  const events = new EventSource('/events')
  events.addEventListener('change', (event) => {
    if (live.includes(event.data)) refresh()
  })
  events.addEventListener('open', () => {
    state.textContent = 'Updates by itself.'
  })
  events.addEventListener('error', () => {
    state.textContent = 'Not connected: this page may be out of date.'
  })
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('button')
  if (button === null) return
  if (button.dataset.copy !== undefined) {
    await navigator.clipboard?.writeText(document.getElementById(button.dataset.copy).textContent)
    button.textContent = 'Copied'
  }
  if (button.dataset.passkey === 'add')
    await withPasskey(button, async () => {
      const options = await post('/account/passkeys/options', {})
      const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      await post('/account/passkeys', { name: document.getElementById('passkey-name').value, response: made.toJSON() })
      location.reload()
    })
  if (button.dataset.passkey === 'use')
    await withPasskey(button, async () => {
      const options = await post('/passkeys/sign-in/options', {})
      const used = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
      const { next } = await post('/passkeys/sign-in', { response: used.toJSON(), next: new URLSearchParams(location.search).get('next') })
      location.assign(next)
    })
})

async function withPasskey(button, work) {
  const told = document.getElementById('passkey-problem')
  button.disabled = true
  try {
    await work()
  } catch (error) {
    told.textContent = error.name === 'NotAllowedError' ? 'Nothing was chosen.' : error.message
    told.hidden = false
  } finally {
    button.disabled = false
  }
}

async function post(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-csrf-token': document.querySelector('input[name=_csrf]')?.value ?? '' },
    body: JSON.stringify(body),
  })
  const given = await answer.json()
  if (!answer.ok) throw new Error(given.detail)
  return given
}
if (!('credentials' in navigator) || typeof PublicKeyCredential === 'undefined')
  for (const one of document.querySelectorAll('[data-needs-passkeys]')) one.hidden = true

// j and k walk a list, g then i/a/s goes to incidents, approvals, sources; ? is told on the account page.
let chord = ''
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea, select')) return
  if (chord === 'g') {
    chord = ''
    const place = { i: '/incidents', a: '/approvals', s: '/sources', c: '/cluster' }[event.key]
    if (place !== undefined) location.assign(place)
    return
  }
  if (event.key === 'g') chord = 'g'
  if (event.key === 'j' || event.key === 'k') {
    const rows = [...document.querySelectorAll('a.row')]
    const at = rows.indexOf(document.activeElement)
    rows[event.key === 'j' ? Math.min(at + 1, rows.length - 1) : Math.max(at - 1, 0)]?.focus()
  }
})
