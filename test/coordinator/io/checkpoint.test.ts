// Checkpoints of object graphs: what is brought back is the same graph, and what cannot be brought back is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openSource } from "../../../compose/open-core.ts";
import { readCheckpoint, writeCheckpoint } from "../../../coordinator/io/checkpoint.ts";
import { registerClasses } from "../../../coordinator/io/class-register.ts";
import { packBlock, type BeginBlock } from "../../../coordinator/io/recording.ts";
import { Unpackr } from "msgpackr/pack";
import { instant } from "../../../proto/units.ts";

/** Fields as they are after the build. */
class Part {
  _count = 0;
  _keys = new Float64Array(4);
  readonly _seen = new Set<object>();
}

class Root {
  readonly _part = new Part();
  readonly _byName = new Map<string, { readonly name: string; at: number }>();
  readonly _world = { count: (): number => this._part._count };
  readonly _owner = new Owner(this._part);
  _hidden: Record<string, string> = { secret: "word" };
  _limit: number | undefined = Infinity;
  _self: Root | undefined;

  count(): number {
    return this._world.count();
  }
}

/** Holds on to another's part by a function. */
class Owner {
  readonly _count: () => number;

  constructor(part: Part) {
    this._count = () => part._count;
  }

  count(): number {
    return this._count();
  }
}

const keepAll = (_: string, value: unknown): unknown => value;

function written(root: Root): BeginBlock {
  const checkpoint = writeCheckpoint(root, 1_000, keepAll);
  assert.ok(checkpoint !== undefined);
  const state = { from: "checkpoint", checkpoint } as const;
  const now = instant(0);
  const block = { kind: "begin", now, wall: 0, config: {} as never, sources: {}, state } as const;
  return new Unpackr({ useRecords: true }).unpack(packBlock(block)) as BeginBlock;
}

function broughtBack(root: Root, fresh: object = new Root()): Root {
  const { state } = written(root);
  assert.equal(state.from, "checkpoint");
  readCheckpoint(state.checkpoint, fresh);
  return fresh as Root;
}

test("none can be made of a core that runs from source", () => {
  assert.equal(writeCheckpoint(new Root(), 1_000, keepAll), undefined);
  registerClasses("lab.ts", "00", { Part, Root, Owner });
  assert.throws(() => {
    registerClasses("other.ts", "00", { Root });
  }, /two classes of the core are called Root/);
});

test("what is brought back is the same graph: shared objects, circles, order, typed arrays and odd numbers", () => {
  const root = new Root();
  const shared = { name: "b", at: -Infinity };
  root._byName.set("b", shared).set("a", { name: "a", at: 0.1 + 0.2 });
  root._part._seen.add(shared).add(root);
  root._part._count = 7;
  root._part._keys = new Float64Array([1.5, Infinity, 2 ** 52 + 1]);
  root._limit = undefined;
  root._self = root;
  const again = broughtBack(root);
  assert.deepEqual(again._byName, root._byName);
  assert.deepEqual([...again._byName.keys()], ["b", "a"]);
  assert.deepEqual([...again._part._seen], [again._byName.get("b"), again]);
  assert.ok(again._part._seen.has(again._byName.get("b")!), "the same object, not its like");
  assert.deepEqual(again._part._keys, root._part._keys);
  assert.equal(again._limit, undefined);
  assert.equal(again._self, again);
});

test("functions of the fresh one stay, and see what was brought back", () => {
  const root = new Root();
  root._part._count = 7;
  const again = broughtBack(root);
  assert.deepEqual([again.count(), again._owner.count()], [7, 7]);
  again._part._count++;
  assert.deepEqual([again.count(), again._owner.count(), root.count()], [8, 8, 7]);
});

test("too many objects make none, a field may be left out, and an unknown class is a mistake", () => {
  const root = new Root();
  assert.equal(writeCheckpoint(root, 3, keepAll), undefined);
  const bare = writeCheckpoint(root, 1_000, (key, value) => (key === "_hidden" ? {} : value));
  assert.ok(!JSON.stringify(bare?.nodes).includes("word"));
  root._part._seen.add(new Date());
  assert.throws(() => writeCheckpoint(root, 1_000, keepAll), /cannot hold a Date/);
});

test("one of another core is refused with the difference", () => {
  const root = new Root();
  const grown = Object.assign(new Root(), { _news: 1 });
  assert.throws(() => broughtBack(root, grown), /of another core: Root has _news now/);
});

test("the build opens private fields and registers each class of a file", () => {
  const source = `import { b } from "./b.ts";
class Inner { #x = 1; get x() { return this.#x; } }
export class Outer { readonly #inner = new Inner(); static is(o: object) { return "#x" in o; } }`;
  const opened = openSource("coordinator/core/lab.ts", source);
  assert.match(opened, /class Inner \{ _x = 1; get x\(\) \{ return this\._x; \} \}/);
  assert.match(opened, /readonly _inner = new Inner\(\); .* return "#x" in o;/);
  assert.match(opened, /from "\.\.\/io\/class-register\.ts";/);
  assert.match(opened, /\("coordinator\/core\/lab\.ts", "[0-9a-f]{16}", \{ Inner, Outer \}\);$/);
});
