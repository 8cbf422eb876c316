/**
 * Text an attacker could write, as it would hurt a page: markup, script addresses, invisible characters, endless lines; and
 * secrets of every shape that is masked, each with a part that must be seen nowhere.
 */
export const markup = [
  '<script>window.pwned=1</script>',
  '"><img src=x onerror="window.pwned=2">',
  "'><svg onload=window.pwned=3>",
  '</code></pre></title></textarea></select><script>window.pwned=4</script>',
  '<a href="javascript:window.pwned=5">click</a>',
  'javascript:window.pwned=6',
  '[click](javascript:window.pwned=7) ![x](http://203.0.113.9/x.png)',
  '<iframe srcdoc="<script>parent.pwned=8</script>"></iframe>',
  '<meta http-equiv="refresh" content="0;url=http://203.0.113.9/">',
  '<link rel=stylesheet href="http://203.0.113.9/x.css"><style>*{display:none}</style>',
  '${7*7}{{7*7}}<%= 7*7 %>&lt;script&gt;',
  '<form action="http://203.0.113.9/"><button name=do value=approve>Approve and run</button></form>',
]
/** Bidirectional overrides, zero width, tags, control, variation selectors, private use, a lone surrogate. */
export const invisible = [
  'safe\u202egnp.exe',
  'a\u200bb\u200cc\u200dd\u2060e\ufefff',
  'x\u{e0041}\u{e0042}y',
  '\u001b[31mred\u001b[0m\u0007\u0008',
  '\u2066isolated\u2069\u2028line\u2029paragraph',
  'v\ufe0f\u{e0100}w\ue000\u{f0000}',
  'nul\u0000nul',
  'half\ud800half',
  'wide\u3000space\u00a0here\u00ad',
]
export const anInvisible =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\u{e0100}-\u{e01ef}]/u

export const endless = [`long-${'x'.repeat(10_000)}`, `words ${'and more '.repeat(1_200)}`, `deep/${'a/'.repeat(3_000)}`]

/** Secrets in their usual surroundings. `core` is the part that must not be seen. */
export const canaries: readonly { text: string; core: string }[] = [
  ['AWS_ACCESS_KEY_ID=%', 'AKIAIOSFODNN7CANARY1'],
  ['curl -H "Authorization: Bearer %" https://api', 'canary2bearerabcdef0123456789'],
  ['wget --header "Authorization: Basic %"', 'Y2FuYXJ5MzpzZWNyZXRzZWNyZXQ='],
  ['psql postgres://app:%@db/shop', 'canary4password'],
  ['mysql --password=% -u root', 'canary5password'],
  ['mysqldump --password % shop', 'canary6password'],
  ['export DB_PASSWORD=%', 'canary7secretvalue'],
  ['{"api_key": "%"}', 'canary8apikeyvalue'],
  ['git clone https://x:%@github.com/a/b', 'ghp_canary9abcdefghijklmnopqrstuvwxyz0123'],
  ['slack %', 'xoxb-canary10-abcdefghijklmnop'],
  ['openai %', 'sk-canary11abcdefghijklmnop'],
  ['jwt %', 'eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkxMiI6MX0.c2lnbmF0dXJlY2FuYXJ5'],
  ['npm %', 'npm_canary13abcdefghijklmnopqrst'],
  ['gitlab %', 'glpat-canary14abcdefghij'],
  ['google %', 'AIzacanary15abcdefghijklmnopqrstuvwxyz'],
  ['falconer %', 'flc_canary16abcdefghijklmnopqrstuvwxyz'],
  ['source %', 'fls_canary17-abcdefghijklmnopqrstuvwxyz'],
  ['link %', 'fll_canary18-abcdefghijklmnopqrstuvwxyz'],
  ['-----BEGIN RSA PRIVATE KEY-----\n%\n-----END RSA PRIVATE KEY-----', 'MIIcanary19abcdefghijklmnop'],
  ['client_secret: %', 'canary20clientsecret'],
  ['SECRET_TOKEN="%"', 'canary21secrettoken'],
  ['app --token % --verbose', 'canary22tokenvalue'],
].map(([text, core]) => ({ text: (text as string).replace('%', core as string), core: core as string }))
