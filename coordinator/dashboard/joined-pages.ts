// The newest page put before what was read earlier. Pure.

/** Newest first; undefined where entries may be missing between the two, or nothing was read earlier: then the page stands alone. */
export function joinedPages<Entry extends { readonly id: string }>(
  page: readonly Entry[],
  known: readonly Entry[],
): readonly Entry[] | undefined {
  const last = page.at(-1);
  if (last === undefined) return undefined;
  const at = known.findIndex(({ id }) => id === last.id);
  return at < 0 ? undefined : [...page, ...known.slice(at + 1)];
}
