/** Masking: what looks like a secret goes, the rest stays readable, and a report's quotation marks stay where they are. */
import { describe, expect, it } from 'vitest'
import { redact, redactDeep, Secret } from './redact.ts'

describe('redact', () => {
  it.each([
    ['kworkerd --api-key=fx92hf81kq03 -v', 'kworkerd --api-key=[redacted] -v'],
    ['mysql -u root --password hunter2hunter2', 'mysql -u root --password [redacted]'],
    ['curl -H "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln" x', 'curl -H "Authorization: Bearer [redacted]" x'],
    ['psql postgres://shop:s3cret@db/shop', 'psql postgres://shop:[redacted]@db/shop'],
    [String.raw`sh -c "curl -d '{\"api_key\": \"k3yk3yk3y\"}'"`, String.raw`sh -c "curl -d '{\"api_key\": \"[redacted]\"}'"`],
    ['ns/DB_PASSWORD="hunter2"', 'ns/DB_PASSWORD="[redacted]"'],
    ['secret: hunter2/secret: hunter3', 'secret: [redacted]'],
    ['http://f/ingest/falco/fls_abcdefghijklmnop-qrst', 'http://f/ingest/falco/[redacted]'],
    [
      'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/db-Ab12',
      'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop/db-Ab12',
    ],
    ['123456789012:secret:hunter2', '123456789012:secret:[redacted]'],
    ['ls -la /tmp', 'ls -la /tmp'],
  ])('%s', (text, shown) => {
    expect(redact(text)).toBe(shown)
  })

  it('keeps the end of a quoted value whose last word is the secret', () => {
    expect(redact('⟦sh⟧ → ⟦x --api-key=fx92hf81kq03⟧ → ⟦sh -i⟧')).toBe('⟦sh⟧ → ⟦x --api-key=[redacted]⟧ → ⟦sh -i⟧')
    expect(redact('⟦x --token fx92hf81kq03⟧ ran ⟦y⟧')).toBe('⟦x --token [redacted]⟧ ran ⟦y⟧')
    expect(redact('--password=⟦hunter2⟧hunter2')).not.toContain('hunter2')
  })

  it('takes time by the length of a text, not by its square: an attacker may have written it', () => {
    for (const part of [
      'a.',
      'a-',
      'secret: a ',
      'x://a:',
      'eyJaaaaaaaaa.',
      'eyJaaaaaaaa-',
      'authorization: ',
      '--pass -p ',
      'a:b@',
      'PWD=',
      '-----BEGIN ',
      ' ',
      '\\',
    ]) {
      const text = `authorization:${part.repeat(Math.ceil(100_000 / part.length))}`
      const began = performance.now()
      redact(text)
      expect(performance.now() - began, part).toBeLessThan(5_000)
    }
  })

  it('masks a secret however long what stands before it', () => {
    for (const head of [10, 5_000]) expect(redact(`x-eyJ${'h'.repeat(head)}.eyJ${'p'.repeat(head)}.s1gn4ture`)).toBe('x-[redacted]')
    expect(redact(`${'a'.repeat(100)}://shop:s3cret@db`)).toBe(`${'a'.repeat(100)}://shop:[redacted]@db`)
    expect(redact(`authorization: "  bearer   abcdefgh1`)).toBe('authorization: "  bearer   [redacted]')
    expect(redact(`${'a.'.repeat(100)}b://shop:s3cret@db`)).toBe(`${'a.'.repeat(100)}b://shop:[redacted]@db`)
  })

  it('reaches every string of an answer, and a secret has no other face', () => {
    expect(redactDeep({ a: ['--token=abcdefgh'], b: { c: 1n } })).toEqual({ a: ['--token=[redacted]'], b: { c: 1n } })
    expect(redactDeep({ labels: { 'AWS_ID=AKIAIOSFODNN7EXAMPLE': 'x' }, DB_PASSWORD: 'hunter2', token: 7n, tokens: ['a'] })).toEqual({
      labels: { 'AWS_ID=[redacted]': 'x' },
      DB_PASSWORD: '[redacted]',
      token: 7n,
      tokens: ['a'],
    })
    expect(`${new Secret('x')} ${JSON.stringify(new Secret('x'))}`).toBe('[redacted] "[redacted]"')
  })
})
