// The ballot on a real disk: what is written is read, and no damage passes for a ballot.

import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Ballot } from "../../../coordinator/core/vote-book.ts";
import { openBallotStore } from "../../../coordinator/io/ballot-store.ts";
import { isCoded } from "../../../proto/coded-error.ts";
import { limits } from "../../../proto/limits.ts";
import { term } from "../../../proto/units.ts";

const ballot = (of: number): Ballot => ({ term: term(of), votedFor: "c2", longestPromise: 600 });

let dir = "";
const file = (index: number): string => join(dir, `ballot.${index}`);
const write = (...terms: number[]): void => {
  const store = openBallotStore(dir);
  for (const of of terms) store.write(ballot(of));
};
const holderOf = (of: number): number =>
  readFileSync(file(0), "utf8").includes(`"term":${of},`) ? 0 : 1;
const damage = (index: number, at: number, bytes = "\0"): void => {
  const content = readFileSync(file(index));
  content.write(bytes, at, "latin1");
  writeFileSync(file(index), content);
};

beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), "heartmesh-ballot-")), "data");
});
afterEach(() => {
  rmSync(join(dir, ".."), { recursive: true, force: true });
});

describe("the ballot store", () => {
  it("says of an empty directory that it is fresh, and makes nothing by reading", () => {
    assert.deepEqual(openBallotStore(dir).read(), { ballot: "lost", isFresh: true, damage: [] });
    assert.equal(existsSync(dir), false);
  });

  it("reads what was written last, again and again, across restarts", () => {
    for (let of = 1; of <= 7; of++) {
      write(of);
      const found = openBallotStore(dir).read();
      assert.deepEqual(found, { ballot: ballot(of), isFresh: false, damage: [] });
    }
    write(8, 9, 10);
    assert.deepEqual(openBallotStore(dir).read().ballot, ballot(10));
    assert.equal(statSync(file(0)).size, 2048);
    assert.equal(statSync(file(0)).mode & 0o777, 0o600);
  });

  it("writes the two files in turn, so that the ballot before stays whole", () => {
    write(7, 8, 9);
    const other = readFileSync(file(1 - holderOf(9)), "utf8");
    assert.match(other, /"term":8/);
  });

  it("keeps the set of coordinators, as long as it may be, and says so in the file's version", () => {
    const host = "h".repeat(limits.memberSetBytes / 7 - 2);
    const members = [1, 2, 3, 4, 5, 6, 7].map((n) => ({ id: `c${n}`, host, port: 65_535 }));
    const set = { stamp: { term: term(2 ** 50), version: 2 ** 50 }, members };
    write(1);
    assert.match(readFileSync(file(0), "utf8"), /^heartmesh-ballot 1 /);
    openBallotStore(dir).write({ ...ballot(2), set });
    assert.deepEqual(openBallotStore(dir).read().ballot, { ...ballot(2), set });
    const heads = [0, 1].map((index) => readFileSync(file(index), "utf8").slice(0, 18));
    assert.deepEqual(heads.sort(), ["heartmesh-ballot 1", "heartmesh-ballot 2"]);
  });

  it("takes a record of 1,024 bytes, as it was before sets could change", () => {
    write(7, 8);
    for (const index of [0, 1]) {
      const record = readFileSync(file(index)).subarray(0, 1024);
      writeFileSync(file(index), record);
    }
    assert.deepEqual(openBallotStore(dir).read().ballot, ballot(8));
    write(9);
    assert.deepEqual(openBallotStore(dir).read().ballot, ballot(9));
  });

  it("takes a name of 200 bytes", () => {
    const long = { ...ballot(1), votedFor: "ü".repeat(100) };
    openBallotStore(dir).write(long);
    assert.deepEqual(openBallotStore(dir).read().ballot, long);
  });

  it("holds the ballot for lost when the newer file is damaged anywhere, and names the file", () => {
    write(7, 8, 9);
    const whole = readFileSync(file(holderOf(9)));
    const end = whole.toString("latin1").lastIndexOf("\n", 1020);
    const index = holderOf(9);
    for (let at = 0; at < end; at++) {
      for (const bit of [1, 128]) {
        const content = Buffer.from(whole);
        content[at] = (content[at] ?? 0) ^ bit;
        writeFileSync(file(index), content);
        const found = openBallotStore(dir).read();
        assert.equal(found.ballot, "lost", `byte ${at}`);
        assert.match(found.damage.join(), new RegExp(`ballot.${index} is damaged`));
      }
    }
  });

  it("holds it for lost when the newer file is cut short, empty, or missing", () => {
    write(7, 8, 9);
    const index = holderOf(9);
    const whole = readFileSync(file(index));
    for (const length of [0, 1, 20, 60, 120]) {
      writeFileSync(file(index), whole.subarray(0, length));
      assert.equal(openBallotStore(dir).read().ballot, "lost");
    }
    rmSync(file(index));
    const found = openBallotStore(dir).read();
    assert.equal(found.ballot, "lost");
    assert.equal(found.isFresh, false);
    assert.deepEqual(found.damage, [`ballot.${index} is missing`]);
  });

  it("uses the newer file when the damaged one is surely older, and says what is damaged", () => {
    write(7, 8, 9);
    const older = 1 - holderOf(9);
    damage(older, 60);
    const found = openBallotStore(dir).read();
    assert.deepEqual(found.ballot, ballot(9));
    assert.deepEqual(found.damage, [
      `ballot.${older} is damaged: its body does not match its checksum`,
    ]);
    damage(older, 20);
    assert.equal(openBallotStore(dir).read().ballot, "lost", "now its age is not known either");
  });

  it("after any damage makes both files whole with the first write", () => {
    for (const broken of [[0], [1], [0, 1]]) {
      write(7, 8, 9);
      for (const index of broken) damage(index, 20);
      write(20);
      assert.deepEqual(openBallotStore(dir).read(), {
        ballot: ballot(20),
        isFresh: false,
        damage: [],
      });
      write(21);
      assert.deepEqual(openBallotStore(dir).read().ballot, ballot(21));
    }
  });

  it("refuses a file of another format, and one whose ballot makes no sense", () => {
    write(7, 8, 9);
    writeFileSync(file(0), "heartmesh-ballot 3 99 0000000000000000\n{}\n\n");
    assert.equal(openBallotStore(dir).read().ballot, "lost");
  });

  it("throws HM_DISK when it cannot write, keeps the ballot before, and writes again once it can", () => {
    write(7, 8);
    const store = openBallotStore(dir);
    const next = 1 - holderOf(8);
    rmSync(file(next));
    // A directory in the file's place: not even root can write it.
    const blocked = file(next);
    mkdirSync(blocked);
    assert.throws(
      () => {
        store.write(ballot(9));
      },
      (error) => isCoded(error, "HM_DISK") && error.detail.includes(dir),
    );
    assert.match(readFileSync(file(1 - next), "utf8"), /"term":8/);
    rmSync(blocked, { recursive: true });
    store.write(ballot(9));
    assert.deepEqual(openBallotStore(dir).read().ballot, ballot(9));
  });
});
