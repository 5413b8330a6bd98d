// What is due when: a heap by time, equal times in the order in which they came. Times lie in a typed array, so that nothing is boxed.

export class Agenda<Item> {
  #at = new Float64Array(64);
  /** Numbers every item, so that equal times keep their order. */
  #order = new Float64Array(64);
  readonly #items: (Item | undefined)[] = [];
  #size = 0;
  #next = 0;

  /** Infinity where nothing is due. */
  get firstAt(): number {
    return this.#size === 0 ? Infinity : this.#at[0]!;
  }

  get first(): Item | undefined {
    return this.#items[0];
  }

  push(at: number, item: Item): void {
    if (this.#size === this.#at.length) this.#grow();
    const order = this.#next++;
    let place = this.#size++;
    while (place > 0) {
      const up = (place - 1) >> 1;
      // An earlier order never sinks below a later one of the same time: it is larger than all that are there.
      if (this.#at[up]! <= at) break;
      this.#move(up, place);
      place = up;
    }
    this.#put(place, at, order, item);
  }

  /** Takes the first one out. */
  pop(): void {
    const last = --this.#size;
    const at = this.#at[last]!;
    const order = this.#order[last]!;
    const item = this.#items[last]!;
    this.#items[last] = undefined;
    if (last === 0) return;
    let place = 0;
    for (;;) {
      let down = 2 * place + 1;
      if (down >= last) break;
      if (down + 1 < last && this.#isBefore(down + 1, this.#at[down]!, this.#order[down]!)) down++;
      if (!this.#isBefore(down, at, order)) break;
      this.#move(down, place);
      place = down;
    }
    this.#put(place, at, order, item);
  }

  /** All of them come so much later. */
  shift(ms: number): void {
    for (let place = 0; place < this.#size; place++) this.#at[place]! += ms;
  }

  clear(): void {
    this.#items.length = 0;
    this.#size = 0;
  }

  #isBefore(place: number, at: number, order: number): boolean {
    const other = this.#at[place]!;
    return other < at || (other === at && this.#order[place]! < order);
  }

  #move(from: number, to: number): void {
    this.#at[to] = this.#at[from]!;
    this.#order[to] = this.#order[from]!;
    this.#items[to] = this.#items[from];
  }

  #put(place: number, at: number, order: number, item: Item): void {
    this.#at[place] = at;
    this.#order[place] = order;
    this.#items[place] = item;
  }

  #grow(): void {
    const at = new Float64Array(this.#size * 2);
    at.set(this.#at);
    this.#at = at;
    const order = new Float64Array(this.#size * 2);
    order.set(this.#order);
    this.#order = order;
  }
}
