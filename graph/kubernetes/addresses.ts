/** Ranges of IP addresses, IPv4 and IPv6, as network policies write them: which of them someone outside can have, which a pod can. Pure. */
import { z } from 'zod'

// Not of node:net: whatever a model can reach holds nothing that could connect (guarantee 2).
const isIPv4 = (text: string): boolean => z.ipv4().safeParse(text).success
const isIPv6 = (text: string): boolean => z.ipv6().safeParse(text).success

type Range = { family: 4 | 6; from: bigint; to: bigint }

/** What no one on the internet has: private, shared, link-local and loopback addresses. */
const privateRanges = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  '0.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1/128',
]
  .map(rangeOf)
  .filter((range) => range !== null)

/** Whether an address that routes on the internet is in it; null: it is no range. */
export const holdsPublic = (cidr: string, except: readonly string[]): boolean | null => {
  const range = rangeOf(cidr)
  return range === null ? null : without([range], [...privateRanges, ...rangesOf(except)]).length > 0
}
/** Whether an address that pods usually have is in it. */
export const holdsPrivate = (cidr: string, except: readonly string[]): boolean => {
  const range = rangeOf(cidr)
  if (range === null) return false
  const left = without([range], rangesOf(except))
  return left.some((one) => privateRanges.some((its) => its.family === one.family && its.from <= one.to && its.to >= one.from))
}
export const isPrivateAddress = (address: string): boolean => (isIPv4(address) || isIPv6(address)) && holdsPublic(address, []) === false

const rangesOf = (all: readonly string[]): Range[] => all.map(rangeOf).filter((range) => range !== null)

function rangeOf(cidr: string): Range | null {
  const [address = '', length] = cidr.split('/')
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : null
  if (family === null) return null
  const bits = family === 4 ? 32 : 128
  const prefix = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : -1
  if (prefix < 0 || prefix > bits) return null
  const host = 1n << BigInt(bits - prefix)
  const from = (numberOf(address, family) / host) * host
  return { family, from, to: from + host - 1n }
}

function numberOf(address: string, family: 4 | 6): bigint {
  if (family === 4) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
  const plain = address.replace(/%.*$/, '').replace(/\d+\.\d+\.\d+\.\d+$/, (four) => {
    const value = numberOf(four, 4)
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
  })
  const [head = '', tail] = plain.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  const all = tail === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
}

function without(ranges: readonly Range[], taken: readonly Range[]): Range[] {
  return taken.reduce<Range[]>(
    (left, { family, from, to }) =>
      left.flatMap((one) => {
        if (one.family !== family || one.to < from || one.from > to) return [one]
        return [...(one.from < from ? [{ ...one, to: from - 1n }] : []), ...(one.to > to ? [{ ...one, from: to + 1n }] : [])]
      }),
    [...ranges],
  )
}
