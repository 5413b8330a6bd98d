// Calls for each of a list, a few at a time.

/** Like `Promise.all` over `items`, with at most `bound` at a time. */
export async function mapBounded<Item, Value>(
  items: readonly Item[],
  bound: number,
  call: (item: Item) => Promise<Value>,
): Promise<Value[]> {
  const values: Value[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      values[index] = await call(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(bound, items.length) }, work));
  return values;
}
