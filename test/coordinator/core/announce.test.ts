// Announcements that were told to another coordinator and are repeated by a stranger, from where he is; and agents that have really moved.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Announce } from "../../../proto/messages.ts";
import { incarnation } from "../../../proto/units.ts";
import type { MeshHarness } from "./mesh-harness.ts";
import { mesh } from "./mesh-scenes.ts";

const elsewhere = "10.99.0.9";

function announce(m: MeshHarness, name: string, from: string): void {
  const message: Announce = {
    kind: "announce",
    name,
    incarnation: incarnation(1),
    port: 8888,
    leaving: false,
    health: { state: "healthy", checkedAgo: 1, reason: "" },
  };
  for (const { id } of m.alive()) {
    m.input(id, { kind: "datagram-received", sender: name, address: from, port: 8888, message });
  }
}

test("an announcement from elsewhere moves nobody who answers where it is", () => {
  const m = mesh();
  const before = m.events.length;
  for (let second = 0; second < 20; second++) {
    announce(m, "web", elsewhere);
    m.pass(1_000);
    assert.equal(m.worker("web").verdict, "healthy");
    assert.doesNotMatch(m.worker("web").probe, /10\.99/);
  }
  assert.deepEqual(m.deeds, []);
  assert.deepEqual(m.events.slice(before), []);
});

test("an agent that answers no more where it was is asked where it says that it is", () => {
  const m = mesh();
  const worker = m.engine.workers.get("web")!;
  worker.isMute = true;
  m.engine.answersAs.set(elsewhere, "web");
  for (let i = 0; i < 40; i++) {
    announce(m, "web", elsewhere);
    m.pass(50);
  }
  for (const { id } of m.alive()) {
    assert.equal(m.worker("web", id).verdict, "healthy");
    assert.match(m.worker("web", id).probe, /10\.99/);
  }
  assert.deepEqual(m.deeds, []);
});
