// Writes the state of the core down and brings it back: a walk over the graph of its objects, whatever its classes are.
//
// Reading is by overlay: a fresh core is built from the same configuration, which makes the parts and the functions that join them; then
// every field of every part gets the value that was written. Functions are never written: those of the fresh core stay.

import { coreClasses, namesOfPrototypes } from "./class-register.ts";

/** An object's class and the names of its fields; classes by name, `""` for a plain object. */
type Shape = readonly [name: string, ...keys: string[]];

export interface Checkpoint {
  readonly shapes: readonly Shape[];
  /**
   * The objects; the first is the core. Each is a tag and what it holds: a shape's index and the fields' values, or one of `tags`.
   * A value is itself, or in an array of one the index of an object.
   */
  readonly nodes: readonly (readonly unknown[])[];
}

const tags = { array: -1, map: -2, set: -3, bytes: -4, function: -5 } as const;

const typedArrays = { Float64Array, Int32Array } as const;
type TypedName = keyof typeof typedArrays;

/** What may be written in place of a field's value. */
export type Redact = (key: string, value: unknown) => unknown;

/**
 * Undefined where the core runs from source, or has more than `most` objects.
 * @throws where something of it is of a kind that cannot be brought back: a mistake of whoever wrote it
 */
export function writeCheckpoint(
  root: object,
  most: number,
  redact: Redact,
): Checkpoint | undefined {
  if (coreClasses.size === 0) return undefined;
  const writer = new Writer(redact);
  return writer.write(root, most) ? { shapes: writer.shapes, nodes: writer.nodes } : undefined;
}

class Writer {
  readonly shapes: Shape[] = [];
  readonly nodes: unknown[][] = [];
  readonly #redact: Redact;
  readonly #ids = new Map<object, number>();
  readonly #shapeIds = new Map<string, number>();
  readonly #waiting: object[] = [];

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  write(root: object, most: number): boolean {
    this.#value(root);
    for (let at = 0; at < this.#waiting.length; at++) {
      if (this.#waiting.length > most) return false;
      const next = this.#waiting[at];
      if (next !== undefined) this.nodes.push(this.#node(next));
    }
    return true;
  }

  #value(value: unknown): unknown {
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return value;
    let id = this.#ids.get(value);
    if (id === undefined) {
      id = this.#waiting.length;
      this.#ids.set(value, id);
      this.#waiting.push(value);
    }
    return [id];
  }

  #node(object: object): unknown[] {
    if (typeof object === "function") return [tags.function];
    if (Array.isArray(object)) return [tags.array, ...object.map((one) => this.#value(one))];
    if (object instanceof Map) {
      return [tags.map, ...[...object].flat(1).map((one) => this.#value(one))];
    }
    if (object instanceof Set) return [tags.set, ...[...object].map((one) => this.#value(one))];
    if (ArrayBuffer.isView(object)) return typedNode(object);
    const keys = Object.keys(object);
    const node: unknown[] = [this.#shapeOf(nameOf(object), keys)];
    for (const key of keys) {
      node.push(this.#value(this.#redact(key, (object as Record<string, unknown>)[key])));
    }
    return node;
  }

  #shapeOf(name: string, keys: readonly string[]): number {
    const text = `${name}\n${keys.join("\n")}`;
    let id = this.#shapeIds.get(text);
    if (id === undefined) {
      id = this.shapes.push([name, ...keys]) - 1;
      this.#shapeIds.set(text, id);
    }
    return id;
  }
}

function typedNode(view: ArrayBufferView): unknown[] {
  const name = view.constructor.name;
  if (!Object.hasOwn(typedArrays, name)) throw new Error(`a checkpoint cannot hold a ${name}`);
  return [tags.bytes, name, new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice()];
}

/** Of the nearest class of the core: whoever looks on may have extended one. */
function nameOf(object: object): string {
  let prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === Object.prototype || prototype === null) return "";
  for (; prototype !== null; prototype = Object.getPrototypeOf(prototype) as object | null) {
    const name = namesOfPrototypes.get(prototype);
    if (name !== undefined) return name;
  }
  throw new Error(
    `a checkpoint cannot hold a ${object.constructor.name}: it is no class of the core`,
  );
}

/**
 * Gives `fresh`, a core that was just built, the state that was written.
 * @throws where the checkpoint is of a core with other classes or fields
 */
export function readCheckpoint(checkpoint: Checkpoint, fresh: object): void {
  new Reader(checkpoint).read(fresh);
}

class Reader {
  readonly #checkpoint: Checkpoint;
  readonly #made: (object | undefined)[];
  /** Made, but not yet filled. */
  readonly #waiting: number[] = [];
  /** Objects of the fresh core that have been given an identity. */
  readonly #taken = new Set<object>();

  constructor(checkpoint: Checkpoint) {
    this.#checkpoint = checkpoint;
    this.#made = checkpoint.nodes.map(() => undefined);
  }

  read(fresh: object): void {
    this.#object(0, fresh);
    for (let at = 0; at < this.#waiting.length; at++) this.#fill(this.#waiting[at] ?? 0);
  }

  #value(value: unknown, fresh?: unknown): unknown {
    return Array.isArray(value) ? this.#object(Number(value[0]), fresh) : value;
  }

  /** @param fresh what stands there in the fresh core */
  #object(id: number, fresh: unknown): object {
    const known = this.#made[id];
    if (known !== undefined) return known;
    const made = this.#make(id, fresh);
    this.#made[id] = made;
    this.#waiting.push(id);
    return made;
  }

  #make(id: number, fresh: unknown): object {
    const node = this.#node(id);
    switch (node[0]) {
      case tags.function:
        if (typeof fresh !== "function") throw other("a function stands where none is now");
        return fresh;
      case tags.array:
        return [];
      case tags.map:
        return new Map();
      case tags.set:
        return new Set();
      case tags.bytes: {
        const bytes = new Uint8Array(node[2] as Uint8Array); // A copy: a Float64Array must be aligned.
        return new typedArrays[node[1] as TypedName](bytes.buffer);
      }
      default:
        return this.#instance(this.#shape(node), fresh);
    }
  }

  /** Parts of the fresh core stay, since its functions hold on to them. */
  #instance([name, ...keys]: Shape, fresh: unknown): object {
    const isPart =
      typeof fresh === "object" &&
      fresh !== null &&
      !this.#taken.has(fresh) &&
      nameOf(fresh) === name;
    if (isPart && (name !== "" || Object.values(fresh).some((one) => typeof one === "function"))) {
      this.#taken.add(fresh);
      const missing = Object.keys(fresh).filter((key) => !keys.includes(key));
      if (missing.length > 0) throw other(`${name} has ${missing.join(", ")} now`);
      return fresh;
    }
    if (name === "") return {};
    const known = coreClasses.get(name);
    if (known === undefined) throw other(`there is no class ${name} now`);
    return Object.create(known.prototype as object) as object;
  }

  #fill(id: number): void {
    const node = this.#node(id);
    const target = this.#made[id];
    const values = node.slice(1);
    if (Array.isArray(target)) for (const one of values) target.push(this.#value(one));
    else if (target instanceof Set) for (const one of values) target.add(this.#value(one));
    else if (target instanceof Map) {
      for (let at = 0; at < values.length; at += 2) {
        target.set(this.#value(values[at]), this.#value(values[at + 1]));
      }
    } else if (node[0] !== tags.function && node[0] !== tags.bytes) {
      const fields = target as Record<string, unknown>;
      const [, ...keys] = this.#shape(node);
      for (const [at, key] of keys.entries()) fields[key] = this.#value(values[at], fields[key]);
    }
  }

  #node(id: number): readonly unknown[] {
    const node = this.#checkpoint.nodes[id];
    if (node === undefined) throw other(`object ${id} is missing`);
    return node;
  }

  #shape(node: readonly unknown[]): Shape {
    const shape = this.#checkpoint.shapes[Number(node[0])];
    if (shape === undefined) throw other("a shape is missing");
    return shape;
  }
}

const other = (why: string): Error => new Error(`the checkpoint is of another core: ${why}`);
