// Which failures of one engine's containers have one cause between them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Hosts } from "../../../coordinator/core/hosts.ts";
import { instant } from "../../../proto/units.ts";
import { container } from "./recovery-specs.ts";

const dead = container("w1", { state: "exited" });
const at = (seconds: number) => instant(seconds * 1000);

describe("a container that does not run", () => {
  it("shares its cause with what else is found stopped at first sight", () => {
    const hosts = new Hosts();
    hosts.onSeen(dead.host, at(0));
    assert.equal(hosts.causeOf(dead, true, at(1)), `found stopped on ${dead.host}`);
    assert.equal(hosts.causeOf(dead, true, at(31)), "");
  });

  it("died by itself where it was seen running, also soon after first sight", () => {
    const hosts = new Hosts();
    hosts.onSeen(dead.host, at(0));
    assert.equal(hosts.causeOf(dead, false, at(1)), "");
  });

  it("died of its engine's restart for a while after that, and of nothing in common later", () => {
    const hosts = new Hosts();
    hosts.onSeen(dead.host, at(0));
    hosts.onLost(dead.host, "no answer", at(100));
    assert.notEqual(hosts.causeOf(dead, false, at(101)), "");
    hosts.onBack(dead.host, true, at(102));
    assert.equal(hosts.causeOf(dead, false, at(103)), `engine ${dead.host} restarted`);
    assert.equal(hosts.causeOf(dead, false, at(133)), "");
  });

  it("does not blame an engine that was only out of reach", () => {
    const hosts = new Hosts();
    hosts.onSeen(dead.host, at(0));
    hosts.onLost(dead.host, "no answer", at(100));
    hosts.onBack(dead.host, false, at(102));
    assert.equal(hosts.causeOf(dead, false, at(103)), "");
  });

  it("is only in an old picture running while its engine does not answer", () => {
    const hosts = new Hosts();
    const running = container("w1", { state: "running" });
    hosts.onSeen(running.host, at(0));
    assert.equal(hosts.causeOf(running, false, at(50)), "");
    hosts.onLost(running.host, "no answer", at(100));
    assert.notEqual(hosts.causeOf(running, false, at(101)), "");
    hosts.onBack(running.host, true, at(102));
    assert.equal(hosts.causeOf(running, false, at(103)), "");
  });
});
