/** Vectors by the place of their text: providers number them, and need not keep their order. */
export function inOrder(data: readonly { index: number; embedding?: unknown }[] | undefined): unknown {
  if (data === undefined || data.some(({ index }) => index < 0 || index >= data.length)) return undefined
  const vectors = new Map(data.map(({ index, embedding }) => [index, embedding]))
  return data.map((_one, index) => vectors.get(index))
}
