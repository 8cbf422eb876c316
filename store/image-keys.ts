/** The keys an image goes by, in SQL: its own and one step of aliases around it, for an index digest that two images share makes them no one image. */
import { type RawBuilder, sql } from 'kysely'

/**
 * Of each row `i` of `images`, which has a `key`, every key it goes by, as `name`, after the columns `beside`. `anyScope`: it has no column `scope`, and
 * aliases of whichever scope count.
 */
export function keysOfImages(
  images: RawBuilder<unknown>,
  { beside, anyScope = false }: { beside?: RawBuilder<unknown>; anyScope?: boolean } = {},
): RawBuilder<unknown> {
  const carried = beside === undefined ? sql`` : sql`${beside}, `
  const of = anyScope ? sql`a.kind = 'image'` : sql`a.kind = 'image' and a.scope = i.scope`
  return sql`select ${carried}i.key as name from ${images} i
    union select ${carried}a.also_key from ${images} i join entity_aliases a on ${of} and a.key = i.key
    union select ${carried}a.key from ${images} i join entity_aliases a on ${of} and a.also_key = i.key`
}
