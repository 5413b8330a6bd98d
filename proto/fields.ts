// Reads the fields of one message in order, each checked for its type and range. A reader that met something
// wrong goes on with harmless values and says so at the end, so that reading needs neither exceptions nor branches.

import { limits } from "./limits.ts";
import { isName, isTextWithin } from "./text.ts";

export class FieldReader {
  readonly #fields: readonly unknown[];
  #next: number;
  #isGood = true;

  /** @param from index of the first field to read. */
  constructor(fields: readonly unknown[], from = 0) {
    this.#fields = fields;
    this.#next = from;
  }

  /** False once any field was missing or wrong. Fields left over at the end are a later version's and no fault. */
  get isGood(): boolean {
    return this.#isGood;
  }

  /** False where an older version's message ends. */
  get hasMore(): boolean {
    return this.#next < this.#fields.length;
  }

  name(): string {
    const value = this.#take();
    return typeof value === "string" && isName(value) ? value : this.#wrong("");
  }

  nameOrEmpty(): string {
    const value = this.#take();
    return typeof value === "string" && (value === "" || isName(value)) ? value : this.#wrong("");
  }

  reason(): string {
    const value = this.#take();
    return typeof value === "string" && isTextWithin(value, limits.reasonBytes)
      ? value
      : this.#wrong("");
  }

  /** A whole number from `lowest` to `highest`. */
  count(lowest = 0, highest = Number.MAX_SAFE_INTEGER): number {
    const value = this.#take();
    return typeof value === "number" &&
      Number.isSafeInteger(value) &&
      value >= lowest &&
      value <= highest
      ? value + 0 // no negative zero
      : this.#wrong(lowest);
  }

  /** A count that its reader will go on counting from. */
  counter(): number {
    return this.count(0, limits.counter);
  }

  flag(): boolean {
    const value = this.#take();
    return typeof value === "boolean" ? value : this.#wrong(false);
  }

  /** One of a few words, which travel as their place in `words`. */
  word<Word extends string>(words: readonly [Word, ...Word[]]): Word {
    return words[this.count(0, words.length - 1)] ?? this.#wrong(words[0]);
  }

  /** An array in place of one field, read by `read`. */
  group<Value>(read: (fields: FieldReader) => Value): Value {
    return this.#enter(this.#take(), read);
  }

  /** At most `most` groups. */
  groups<Value>(most: number, read: (fields: FieldReader) => Value): readonly Value[] {
    return this.#array(most).map((item) => this.#enter(item, read));
  }

  /** At most `most` counts. */
  counts(most: number): readonly number[] {
    const items = this.#array(most);
    return items.length === 0
      ? []
      : this.#enter(items, (fields) => items.map(() => fields.count()));
  }

  #array(most: number): readonly unknown[] {
    const value = this.#take();
    return Array.isArray(value) && value.length <= most ? (value as unknown[]) : this.#wrong([]);
  }

  #enter<Value>(value: unknown, read: (fields: FieldReader) => Value): Value {
    const inner = new FieldReader(
      Array.isArray(value) ? (value as unknown[]) : this.#wrong<unknown[]>([]),
    );
    const result = read(inner);
    if (!inner.isGood) this.#isGood = false;
    return result;
  }

  #take(): unknown {
    return this.#fields[this.#next++];
  }

  #wrong<Value>(harmless: Value): Value {
    this.#isGood = false;
    return harmless;
  }
}
