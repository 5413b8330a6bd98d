// How the command line helps: each verb's own help, what was meant by a misspelt word, and the exit codes as the README tells them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { exitTexts } from "../../../coordinator/cli/exit-codes.ts";
import { otherVerbs } from "../../../coordinator/cli/help.ts";
import { nearest } from "../../../coordinator/cli/names.ts";
import { verbs } from "../../../coordinator/cli/verbs.ts";
import { displayWidth } from "../../../coordinator/cli/width.ts";
import { serve } from "../api/scripted-plane.ts";
import { asking, run } from "./running.ts";

test("each verb has a help of its own, by both ways, without asking anybody", async () => {
  for (const name of Object.keys(verbs)) {
    const [one, other] = await Promise.all([run(["help", name]), run([name, "--help"])]);
    assert.deepEqual([one.code, other.code, one.err], [0, 0, ""], name);
    assert.equal(one.out, other.out, name);
    assert.ok(one.out.startsWith(`Usage: heartmesh ${name}`), name);
  }
  const revive = await run(["revive", "-h"]);
  assert.match(revive.out, /--wait +follow it to its end/);
  assert.match(revive.out, /--timeout DURATION/);
  assert.equal((await run(["help", "status", "workers"])).code, 2);
});

test("help fits the terminal", async () => {
  for (const words of [["help"], ["help", "explain"]]) {
    const { out } = await run(words, {}, undefined, { width: 72 });
    for (const line of out.split("\n")) assert.ok(displayWidth(line) <= 72, line);
  }
});

test("the exit codes stand in the help and in the README", async () => {
  const { out } = await run(["help"]);
  const readme = readFileSync("README.md", "utf8");
  for (const [code, text] of exitTexts) {
    assert.ok(out.includes(text.replaceAll("`", "")), text);
    assert.ok(readme.includes(`| \`${code}\` `), String(code));
    assert.ok(readme.includes(text), text);
  }
});

test("a misspelt verb is told what it may have meant", async () => {
  const meant = { recoverys: "recoveries", satus: "status", reivve: "revive", docter: "doctor" };
  for (const [typed, verb] of Object.entries(meant)) {
    const { code, err } = await run([typed]);
    assert.equal(code, 2);
    assert.ok(err.includes(`Did you mean ${verb}`), err);
  }
  assert.match((await run(["frobnicate"])).err, /heartmesh help names all/);
  assert.match((await run(["help", "cofnig"])).err, /Did you mean config/);
  assert.ok(otherVerbs.includes("config"));
});

test("so is a misspelt worker, host or service, by what the coordinator knows", async (t) => {
  const server = await serve(t);
  const env = asking(server);
  const worker = await run(["revive", "h1/wbe-1"], env);
  assert.equal(worker.code, 1);
  assert.match(worker.err, /404: No worker is called h1\/wbe-1.*\nDid you mean h1\/web-1/);
  assert.match((await run(["explain", "wep-1"], env)).err, /Did you mean h1\/web-1/);
  assert.match((await run(["plan", "h11"], env)).err, /Did you mean h1/);
  assert.doesNotMatch((await run(["explain", "nobody-at-all"], env)).err, /Did you mean/);
});

test("the nearest stands first, and what only holds the word is near too", () => {
  assert.deepEqual(nearest("web", ["db", "h1/web-2", "web"]), ["web", "h1/web-2"]);
  assert.deepEqual(nearest("x", ["db", "cache"]), []);
});
