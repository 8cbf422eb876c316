import { expect, it } from 'vitest'
import { linkBy, recordLink } from './parts.ts'

it('no address holds a secret: what is named after one leads nowhere', () => {
  const secret = 'AKIAIOSFODNN7EXAMPLE'
  const address = (name: string) => `/alerts?rule=${name}`
  expect(String(linkBy('Shell & more', address, 'a rule'))).toBe('<a href="/alerts?rule=Shell%20%26%20more">a rule</a>')
  expect(String(linkBy(`Rule ${secret}`, address, 'a rule'))).toBe('a rule')
  for (const record of ['alert', 'rule', 'entity'] as const)
    expect(String(recordLink({ record, id: `x/${secret}`, path: null, value: null }))).not.toMatch(/<a|AKIA|XAMPLE/)
})
