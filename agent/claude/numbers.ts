/**
 * Numbers in the words of a model, spelled out or in digits, each with what it counts. What only sounds like one is left out: “one of”, “first”, “a second
 * later”, “third party”. Whether a number is true is asked in counted.ts.
 */
export type Counted = {
  /** As it stands in the words. */ text: string
  value: number
  /** “at least two”, “within ten minutes”, “about a dozen”. */ is: 'exactly' | 'at least' | 'at most' | 'about'
  /** The words behind it, as far as they may name what is counted. */ of: string[]
}

const small =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')
const scales: Readonly<Record<string, number>> = { dozen: 12, hundred: 100, thousand: 1_000, million: 1_000_000, billion: 1_000_000_000 }
const vague: Readonly<Record<string, number>> = { tens: 20, dozens: 24, hundreds: 200, thousands: 2_000, millions: 2_000_000 }
const times: Readonly<Record<string, number>> = { twice: 2, thrice: 3 }
const ordinals = 'second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth'.split(' ')

const word = [...small, ...tens, ...Object.keys(scales)].toSorted((a, b) => b.length - a.length).join('|')
const before = String.raw`(?<![\w./:-])`
const spelled = new RegExp(`${before}(?:${word})(?:(?:[ -]|(?<=hundred|thousand|million) and )(?:${word}))*(?![\\w/:]|-\\w)`, 'giu')
const loose = new RegExp(`${before}(?:${[...Object.keys(vague), ...Object.keys(times)].join('|')})(?![\\w-]| as\\b)`, 'giu')
const placed = new RegExp(`${before}(?:${ordinals.join('|')})(?![\\w-])`, 'giu')
const digits = /(?<![\w.:/-])\d+(?:[.,]\d+)*(?![\w:/])/gu

export function numbersIn(words: string): Counted[] {
  const found = (shape: RegExp, read: (text: string, of: string[], lead: string) => Pick<Counted, 'value' | 'is'> | null): Counted[] =>
    [...words.matchAll(shape)].flatMap((match) => {
      const [text] = match
      const of =
        /^(?:[ -]?[a-z]+){0,4}/iu
          .exec(words.slice(match.index + text.length))?.[0]
          .toLowerCase()
          .match(/[a-z]+/gu) ?? []
      const one = read(text.toLowerCase(), of, words.slice(0, match.index).toLowerCase())
      return one === null ? [] : [{ text, of, ...one }]
    })
  return [
    ...found(spelled, (text, of, lead) => {
      const value = valueOf(text)
      return idle(value, of) ? null : { value, is: leadIn(lead) }
    }),
    ...found(digits, (text, _of, lead) => ({ value: Number(text.replaceAll(',', '')), is: leadIn(lead) })),
    ...found(loose, (text) =>
      text in times ? { value: times[text] ?? 0, is: 'exactly' as const } : { value: vague[text] ?? 0, is: 'at least' as const },
    ),
    ...found(placed, (text, of, lead) => (idlePlace(text, of, lead) ? null : { value: ordinals.indexOf(text) + 2, is: 'at least' })),
  ]
}

function valueOf(text: string): number {
  let [sum, current] = [0, 0]
  for (const part of text.split(/ and |[ -]/u)) {
    const scale = scales[part]
    if (scale === undefined) current += small.includes(part) ? small.indexOf(part) : (tens.indexOf(part) + 2) * 10
    else if (scale < 1_000) current = Math.max(1, current) * scale
    else [sum, current] = [sum + Math.max(1, current) * scale, 0]
  }
  return sum + current
}

const leads: readonly [RegExp, Counted['is']][] = [
  [/\b(?:at least|more than|over|no fewer than)(?: an?)? $/u, 'at least'],
  [/\b(?:within|under|less than|fewer than|at most|up to|no more than)(?: an?)? $/u, 'at most'],
  [/\b(?:about|around|nearly|almost|roughly|approximately|some)(?: an?)? $/u, 'about'],
]
const leadIn = (lead: string): Counted['is'] => leads.find(([shape]) => shape.test(lead))?.[1] ?? 'exactly'

const units = /^(?:second|minute|hour|day|week)s?$/u
/** “one of them”, “one led to another”: says no more than that it is there. “zero day” is a name. */
const idle = (value: number, of: readonly string[]): boolean =>
  (value === 1 && !of.slice(0, 1).some((next) => units.test(next))) || (value === 0 && of[0] === 'day')
/** “within a second”, “a third of”, “a third party”. */
const idlePlace = (text: string, [next = '']: readonly string[], lead: string): boolean =>
  (text === 'second' &&
    (next === '' ||
      /\b(?:per|each|every|within an?) $/u.test(lead) ||
      /^(?:later|after|before|earlier|apart|ago|long|and|or|of|to|half)$/u.test(next))) ||
  (next === 'of' && /\ba $/u.test(lead)) ||
  (text === 'third' && /^part(?:y|ies)$/u.test(next))
