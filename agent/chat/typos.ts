/** Words by which a question is recognised, though a letter of them is wrong. Names of things are never mended: they are read from what was written. */
const known = new Set(
  'incident incidents critical severity latest findings finding vulnerabilities vulnerability vulnerable alerts namespace cluster deployment approved approve approval approvals rejected decided proposals proposal proposed waiting coverage silent happened happen attack attacker attackers blast radius reach reachable internet exposed should first priority change changes changed changing yesterday today overnight timeline summary similar before root cause causes explain secret secrets paths clean secure compromised which what where'.split(
    ' ',
  ),
)
const byLength = new Map<number, string[]>()
for (const word of known) byLength.set(word.length, [...(byLength.get(word.length) ?? []), word])
const shortest = 5

/** Between spaces, in small letters. */
export const mended = (words: string): string =>
  words
    .split(' ')
    .map((word) => short.get(word) ?? (word.length < shortest || known.has(word) || !/^[a-z]+$/.test(word) ? word : nearest(word)))
    .join(' ')

const short = new Map([
  ['wat', 'what'],
  ['waht', 'what'],
  ['whats', 'what is'],
  ['wich', 'which'],
  ['hapend', 'happened'],
  ['happend', 'happened'],
  ['hapened', 'happened'],
  ['vulns', 'vulnerabilities'],
])

/** The only word that is one letter away: one left out, one too many, another one, or two that changed places. */
function nearest(word: string): string {
  const close = [-1, 0, 1].flatMap((more) => (byLength.get(word.length + more) ?? []).filter((one) => isNear(word, one)))
  const [only] = close
  // A plural, or another form of the word, is no mistake.
  return close.length === 1 && only !== undefined && !only.startsWith(word) && !word.startsWith(only) ? only : word
}

function isNear(a: string, b: string): boolean {
  let from = 0
  while (from < a.length && a[from] === b[from]) from += 1
  const [restA, restB] = [a.slice(from), b.slice(from)]
  return (
    restA.slice(1) === restB.slice(1) ||
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2))
  )
}
