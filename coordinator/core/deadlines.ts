// Which of many things is due next: an indexed binary heap of numbers, so that fifty thousand deadlines cost no scan.

/* eslint-disable @typescript-eslint/no-non-null-assertion -- each index is below #size, and a fallback value would hide a broken heap */

/**
 * Deadlines of small integer ids. `set` and `remove` are O(log n) and allocate nothing but when the heap grows;
 * keys and ids lie in typed arrays, so that a sift touches few cache lines.
 */
export class Deadlines {
  #keys = new Float64Array(64);
  #ids = new Int32Array(64);
  /** Where an id stands in the heap; -1 when it has no deadline. */
  #places = new Int32Array(64).fill(-1);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The earliest deadline; Infinity when there is none. */
  first(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#keys[0]!;
  }

  /** The id whose deadline is the earliest; -1 when there is none. */
  firstId(): number {
    return this.#size === 0 ? -1 : this.#ids[0]!;
  }

  /** Gives `id` the one deadline `key`, whatever it had before. */
  set(id: number, key: number): void {
    this.#makeRoom(id);
    const place = this.#places[id]!;
    if (place < 0) {
      this.#size++;
      this.#rise(this.#size - 1, id, key);
    } else if (key < this.#keys[place]!) this.#rise(place, id, key);
    else this.#sink(place, id, key);
  }

  remove(id: number): void {
    const place = id < this.#places.length ? this.#places[id]! : -1;
    if (place < 0) return;
    this.#places[id] = -1;
    this.#size--;
    if (place === this.#size) return;
    const movedId = this.#ids[this.#size]!;
    const movedKey = this.#keys[this.#size]!;
    if (place > 0 && movedKey < this.#keys[(place - 1) >> 1]!) this.#rise(place, movedId, movedKey);
    else this.#sink(place, movedId, movedKey);
  }

  #rise(from: number, id: number, key: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#keys[parent]! <= key) break;
      this.#put(place, this.#ids[parent]!, this.#keys[parent]!);
      place = parent;
    }
    this.#put(place, id, key);
  }

  #sink(from: number, id: number, key: number): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#keys[child + 1]! < this.#keys[child]!) child++;
      if (this.#keys[child]! >= key) break;
      this.#put(place, this.#ids[child]!, this.#keys[child]!);
      place = child;
    }
    this.#put(place, id, key);
  }

  #put(place: number, id: number, key: number): void {
    this.#keys[place] = key;
    this.#ids[place] = id;
    this.#places[id] = place;
  }

  #makeRoom(id: number): void {
    if (this.#size === this.#keys.length) {
      const keys = new Float64Array(this.#size * 2);
      keys.set(this.#keys);
      this.#keys = keys;
      const ids = new Int32Array(this.#size * 2);
      ids.set(this.#ids);
      this.#ids = ids;
    }
    if (id >= this.#places.length) {
      const places = new Int32Array(Math.max(id + 1, this.#places.length * 2)).fill(-1);
      places.set(this.#places);
      this.#places = places;
    }
  }
}
