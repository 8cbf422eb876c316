// Live pages, copy buttons, keyboard, passkeys. Without it every page and form still works.
const live = document.body.dataset.live?.split(' ') ?? []
const state = document.getElementById('live-state')

/** Somebody has begun to fill something in: leave the page alone. */
function begun() {
  const active = document.activeElement
  const main = document.getElementById('main')
  if (active !== null && active.matches('input, textarea, select') && main.contains(active)) return true
  return [...main.querySelectorAll('input, textarea, select')].some((field) => {
    if (field instanceof HTMLSelectElement)
      return [...field.options].some(
        (one, at) => one.selected !== (one.defaultSelected || (at === 0 && !field.querySelector('[selected]'))),
      )
    return field.type === 'checkbox' ? field.checked !== field.defaultChecked : field.value !== field.defaultValue
  })
}

let queued = false
async function refresh() {
  if (queued) return
  queued = true
  await new Promise((resume) => setTimeout(resume, 300))
  queued = false
  // What somebody writes stays; parts that nobody writes in are still brought up to date.
  const writing = begun()
  if (writing && document.querySelector('#main [data-part]') === null) return
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } }).catch(() => null)
  // The session is over: the sign-in page is a page of its own.
  if (answer?.redirected) return location.reload()
  if (answer === null || !answer.ok) return
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const open = [...document.querySelectorAll('details[open][id]')].map((one) => one.id)
  const focused = document.activeElement
  const place = focused?.id
    ? `#${CSS.escape(focused.id)}`
    : focused?.matches('a.row')
      ? `a.row[href="${focused.getAttribute('href')}"]`
      : null
  const main = document.getElementById('main')
  const fresh = next.getElementById('main')
  if (fresh.innerHTML === main.innerHTML) return
  if (writing || begun()) {
    for (const part of fresh.querySelectorAll('[data-part]')) {
      const shown = document.getElementById(part.id)
      if (shown !== null && shown.innerHTML !== part.innerHTML) shown.replaceChildren(...part.childNodes)
    }
  } else main.replaceChildren(...fresh.childNodes)
  document.title = next.title
  for (const id of open) document.getElementById(id)?.setAttribute('open', '')
  if (place !== null) document.querySelector(place)?.focus({ preventScroll: true })
}

// Only the page in front listens: a browser keeps few connections to one server, and many tabs would use them up.
let events = null
function listen() {
  if (document.hidden) {
    events?.close()
    events = null
  } else if (events === null) {
    events = new EventSource('/events')
    events.addEventListener('change', (event) => {
      if (live.includes(event.data)) refresh()
    })
    // What changed between the page's making and this moment, or while the connection was lost, was told to nobody.
    events.addEventListener('open', () => {
      state.textContent = 'Updates by itself.'
      refresh()
    })
    events.addEventListener('error', () => {
      state.textContent = 'Not connected: this page may be out of date.'
    })
  }
}
if (live.length > 0) {
  listen()
  document.addEventListener('visibilitychange', listen)
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('button')
  if (button === null) return
  if (button.dataset.copy !== undefined) {
    const shown = document.getElementById(button.dataset.copy)
    const copied = await navigator.clipboard?.writeText(shown.textContent).then(
      () => true,
      () => false,
    )
    // Without https a browser gives no clipboard: then the text is selected.
    if (!copied) getSelection().selectAllChildren(shown)
    button.textContent = copied ? 'Copied' : 'Selected: copy it'
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

// Ctrl+Enter sends what is written.
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || !event.target.matches('textarea[data-send]')) return
  event.preventDefault()
  event.target.form.requestSubmit()
})

// j and k walk a list, g then i/a/s goes to incidents, approvals, sources; ? is told on the account page.
let chord = ''
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea, select')) return
  if (chord === 'g') {
    chord = ''
    const place = { i: '/incidents', a: '/approvals', s: '/sources', c: '/cluster', q: '/chat' }[event.key]
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

// A map: what is focused or pointed at in the picture is lit in the table, and the other way round; arrow keys walk the picture.
for (const type of ['focusin', 'pointerover'])
  document.addEventListener(type, (event) => {
    const { box } = event.target.closest('[data-box]')?.dataset ?? {}
    if (box === undefined) return
    for (const one of document.querySelectorAll('[data-box].lit')) one.classList.remove('lit')
    for (const one of document.querySelectorAll(`[data-box="${CSS.escape(box)}"]`)) {
      one.classList.add('lit')
      if (type === 'focusin' && !one.contains(event.target)) one.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    }
  })
const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }
document.addEventListener('keydown', (event) => {
  const from = event.target.closest('.map a')
  const [dx, dy] = directions[event.key] ?? []
  if (from === null || dx === undefined || event.altKey || event.ctrlKey || event.metaKey) return
  const middle = (one) => {
    const { x, y, width, height } = one.getBoundingClientRect()
    return { x: x + width / 2, y: y + height / 2 }
  }
  const here = middle(from)
  const far = (one) => {
    const there = middle(one)
    const along = (there.x - here.x) * dx + (there.y - here.y) * dy
    const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx)
    return along < 4 || aside > 8 * along ? Infinity : along + 2 * aside
  }
  const [next] = [...document.querySelectorAll('.map a')].filter((one) => far(one) < Infinity).sort((a, b) => far(a) - far(b))
  if (next === undefined) return
  event.preventDefault()
  next.focus()
})
// What was asked about is in sight, however large the picture is.
for (const scroll of document.querySelectorAll('.map-scroll')) {
  const centre = scroll.querySelector('.centre')?.getBoundingClientRect()
  const own = scroll.getBoundingClientRect()
  if (centre !== undefined)
    scroll.scrollTo(centre.x - own.x - (own.width - centre.width) / 2, centre.y - own.y - (own.height - centre.height) / 2)
}
