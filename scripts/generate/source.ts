/** What source files say of themselves: the header comment of a module, and the comment above an export. */

/** The text of the comment a module begins with; empty when there is none. */
export const headerOf = (source: string): string => textOf(/^\s*\/\*\*([\s\S]*?)\*\//.exec(source)?.[1] ?? '')

/** The comment right above `export const <name>`; empty when there is none. */
export const commentOf = (source: string, name: string): string =>
  textOf(new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*export const ${name}\\b`).exec(source)?.[1] ?? '')

const textOf = (comment: string): string =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim()
