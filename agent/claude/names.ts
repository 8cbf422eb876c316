/**
 * Names in the plain words of a model that do not stand out by their shape: ordinary words beside what they name, and words in letters that may only look
 * like others. Whether a cited record bears them out is asked elsewhere.
 */

const named = 'namespace|pod|deployment|daemonset|statefulset|cronjob|node|cluster|user|service ?account'
/** “pod api was entered”, “namespace payments”. */
const behind = new RegExp(`\\b(?:${named}) (?:named |called )?([a-z][a-z0-9]{2,})\\b(?![-/@\\w]|[.:]\\w)`, 'giu')
/** “the payments namespace”, “in production cluster”. */
const ahead =
  /\b(?:the|an?|in|of|from|to|into|by|its|this|that|another) ([a-z][a-z0-9]{2,}) (?:namespace|deployment|daemonset|statefulset|cronjob|cluster|service ?account)\b(?![-/@\w]|[.:]\w)/giu

const listed = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/u))
/** What follows a thing in a sentence and is not its name. A verb in the past is known by its end. */
const goesOn = listed(`
  around they its his her their our your you and but nor for yet the that this these those which who whose where when while then there here also both all any each every only just still not now never
  with within without from into onto over under after before since until upon about above below between through against across along during inside outside
  near beside towards behind off per outside because though although unless than was were are has had have does did can cannot could may might must shall should will would been
  being became become becomes began begins broke bring brings brought built came comes cut destroys does drew drops fell fires found gave gives goes got grew held
  hides hold holds keeps kept knew lacks lay leads led left lets lies listens looks lost made makes means met mounts names needs opens owns points pulls puts ran
  reached reaches reads receives run runs said saw says seems sees sends sent serves set sets share shares shows shut shows spoke starts stands stays stood stops takes
  talks tells threw told took tries uses wants went writes wrote again alone already itself later once soon therefore too twice
  answers access account accounts admin agent agents alert alerts boundary boundaries can change changes configuration container containers controller count data
  entry events exec file files group groups identity image images input isolation level list log logs manifest manifests metadata name names namespace namespaces
  network networking number object owner policies policy pool port ports privileges process processes replica replicas resource restart restarts role roles
  scheduling secret secrets security selector session settings shell space spec specification start startup state status stop system template token tokens tool tools
  traffic uid unschedulable volume volumes wide workload`)
/** What stands before a thing and is not its name. */
const tellsWhich = listed(`
  affected another any attacked attacking bad broken certain clean common compromised current damaged default different entire every existing faulty first following
  foreign former given good guilty host hostile infected initial internal kubernetes last latter local main malicious mount named neighbouring network new
  next old one only ordinary original other outer own parent pid privileged process real remote right same second separate shared similar
  single small source specific suspicious target that third this underlying unknown user usual very victim vulnerable whole wrong`)

/** In the order in which they stand, each as it is written. */
export function namesIn(words: string): string[] {
  const after = [...words.matchAll(behind)].flatMap(([, name = '']) =>
    goesOn.has(name.toLowerCase()) || /(?:ed|ly)$/u.test(name) ? [] : [name],
  )
  const first = [...words.matchAll(ahead)].flatMap(([, name = '']) =>
    tellsWhich.has(name.toLowerCase()) || goesOn.has(name.toLowerCase()) || /(?:ed|ing)$/u.test(name) ? [] : [name],
  )
  return [...after, ...first]
}

/** Words with a letter or a digit that is not one of ours, whatever it looks like, or with something that is not seen; é and ü are e and u with a mark. */
export const strangeWords = (words: string): string[] =>
  (words.match(/[\p{L}\p{M}\p{N}\p{Cf}][\p{L}\p{M}\p{N}\p{Cf}._:@/-]*/gu) ?? [])
    .map((one) => one.replace(/[._:@/-]+$/u, ''))
    .filter((one) => /[^\p{ASCII}\p{M}ßæøœÆØŒ]/u.test(one.normalize('NFD')))

/** Of a value that is made of names, that one is among them, or is what a pod of it is called by. */
export function isPartOf(value: string, name: string): boolean {
  const wanted = name.toLowerCase()
  return value
    .toLowerCase()
    .split(/[\s/:@,"'=]+/u)
    .some((part) => part === wanted || part.startsWith(`${wanted}-`))
}
