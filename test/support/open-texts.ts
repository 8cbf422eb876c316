/**
 * Strings of tools' outputs that are not fenced, and why none of them is an attacker's: by the name of the field, or by tool and path where the name alone
 * would allow too much. What is not here must be `Quoted`; test/security/hostile-tools.test.ts shows that what is here is harmless.
 */
export const openFields: Readonly<Record<string, string>> = {
  id: 'made by Falconer',
  next: 'a cursor, made by Falconer',
  more: 'a sentence of ours with numbers and names of parameters',
  from: 'a time, formatted by us',
  to: 'a time, formatted by us',
  cluster: 'named by the operator who added the source',
  techniques: 'MITRE ids, of a pattern',
}

export const openPaths: Readonly<Record<string, string>> = {}
