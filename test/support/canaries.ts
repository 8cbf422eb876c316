/** Secrets by the number, each of a shape that is masked and each its own: `core` is the part that nobody may see. */
export type Canary = { text: string; core: string }

const letters = (at: number, length: number): string => {
  let [rest, made] = [at + 17, '']
  while (made.length < length) {
    made += 'abcdefghijklmnopqrstuvwxyz'[rest % 26]
    rest = rest < 26 ? rest * 31 + at + 7 : Math.floor(rest / 26)
  }
  return made
}
/** Every surrounding with every secret that fits in it. */
const shapes: readonly ((at: number) => [text: string, core: string])[] = [
  (at) => wrap('AWS_ACCESS_KEY_ID=%', `AKIACNRY${letters(at, 12).toUpperCase()}`),
  (at) => wrap('curl -H "Authorization: Bearer %" https://api', `canary${at}bearer${letters(at, 16)}`),
  (at) =>
    wrap(
      'wget --header "Authorization: Basic %"',
      Buffer.from(`canary${at}:${letters(at, 12)}`)
        .toString('base64')
        .replaceAll('=', ''),
    ),
  (at) => wrap('psql postgres://app:%@db/shop', `canary${at}password`),
  (at) => wrap('mysql --password=% -u root', `canary${at}password`),
  (at) => wrap('mysqldump --password % shop', `canary${at}password`),
  (at) => wrap('export DB_PASSWORD=%', `canary${at}secretvalue`),
  (at) => wrap('{"api_key": "%"}', `canary${at}apikeyvalue`),
  (at) => wrap('git clone https://x:%@github.com/a/b', `ghp_canary${at}${letters(at, 24)}`),
  (at) => wrap('slack %', `xoxb-canary${at}-${letters(at, 16)}`),
  (at) => wrap('openai %', `sk-canary${at}${letters(at, 16)}`),
  (at) => wrap('jwt %', `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(`{"canary":${at}}`).toString('base64url')}.c2lnbmF0${letters(at, 10)}`),
  (at) => wrap('npm %', `npm_canary${at}${letters(at, 20)}`),
  (at) => wrap('gitlab %', `glpat-canary${at}${letters(at, 12)}`),
  (at) => wrap('google %', `AIzacanary${at}${letters(at, 28)}`),
  (at) => wrap('falconer %', `flc_canary${at}${letters(at, 26)}`),
  (at) => wrap('source %', `fls_canary${at}-${letters(at, 24)}`),
  (at) => wrap('-----BEGIN RSA PRIVATE KEY-----\n%\n-----END RSA PRIVATE KEY-----', `MIIcanary${at}${letters(at, 20)}`),
  (at) => wrap('client_secret: %', `canary${at}clientsecret`),
  (at) => wrap('SECRET_TOKEN="%"', `canary${at}secrettoken`),
  (at) => wrap('app --token % --verbose', `canary${at}tokenvalue`),
]
const wrap = (around: string, core: string): [string, string] => [around.replace('%', core), core]

export const canariesOf = (count: number): Canary[] =>
  Array.from({ length: count }, (_, at) => {
    const [text, core] = (shapes[at % shapes.length] as (typeof shapes)[number])(at)
    return { text, core }
  })

/** Where the first of them stands in a text; null: none does. */
export function found(text: string, canaries: readonly Canary[]): string | null {
  for (const { core } of canaries) {
    const at = text.indexOf(core)
    if (at >= 0) return `${core}: …${text.slice(Math.max(0, at - 100), at + core.length + 40)}…`
  }
  return null
}
