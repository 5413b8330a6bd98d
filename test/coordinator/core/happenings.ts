// What is still to happen in virtual time: a heap by time, then by the order of planning.

export interface Happening {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

const isBefore = (a: Happening, b: Happening): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order);

export function push(heap: Happening[], item: Happening): void {
  let i = heap.length;
  heap.push(item);
  while (i > 0) {
    const up = (i - 1) >> 1;
    if (!isBefore(item, heap[up]!)) break;
    heap[i] = heap[up]!;
    i = up;
  }
  heap[i] = item;
}

export function pop(heap: Happening[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let i = 0;
  for (;;) {
    let down = 2 * i + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down++;
    if (!isBefore(heap[down]!, last)) break;
    heap[i] = heap[down]!;
    i = down;
  }
  heap[i] = last;
}
