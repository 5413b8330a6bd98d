// What a person is told of a move before it happens, and of a service that is left where it is.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SwarmService } from "../../../../coordinator/core/migration/swarm-view.ts";
import { host, service, task, tasksOn, typed, view } from "./swarm-script.ts";
import { codesOf, moveOf, planFor, stayOf, warningOf } from "./planned.ts";

const plain = [host("h1"), host("h2"), host("h3")];
const moving = (some: Partial<SwarmService>, cause: "dead" | "drain" = "dead") => {
  const web = service("web", some);
  return moveOf(planFor(view(plain, [web], tasksOn(web, "h1")), "h1", cause));
};
const staying = (some: Partial<SwarmService>) => {
  const web = service("web", some);
  return stayOf(planFor(view(plain, [web], tasksOn(web, "h1"))));
};
const volume = (source: string, driver = "", driverOptions = {}) => ({
  type: "volume",
  source,
  driver,
  driverOptions,
});
const bind = { type: "bind", source: "/srv/data", driver: "", driverOptions: {} };

describe("data", () => {
  test("in local volumes keeps a service where it is, unless its label says otherwise", () => {
    for (const driver of ["", "local"]) {
      const stay = staying({ mounts: [volume("data", driver), volume("logs", driver)] });
      assert.match(stay.reason, /local volumes of the host \(data, logs\); heartmesh\.volumes=/);
    }
    const mounts = [volume("data")];
    const word = (rule: string) => ({ mounts, labels: { "heartmesh.volumes": rule } });
    assert.match(staying(word("stay")).reason, /local volumes/);
    assert.match(staying(word("stya")).reason, /local volumes/);
    assert.ok(!codesOf(moving(word("shared"))).includes("local-volume"));
    const empty = warningOf(moving(word("empty")), "local-volume");
    assert.equal(empty, "it finds data empty on h2, h3, or as it was left there");
  });

  test("on another machine, in memory, or of one task alone moves without a word", () => {
    const mounts = [
      volume("nfs", "local", { type: "nfs", o: "addr=10.0.0.9" }),
      volume("share", "", { type: "cifs" }),
      volume("", ""),
      { type: "tmpfs", source: "", driver: "", driverOptions: {} },
      { type: "cluster", source: "csi", driver: "", driverOptions: {} },
    ];
    assert.deepEqual(codesOf(moving({ mounts })), ["may-run-twice", "image"]);
    // What the driver `local` keeps on the host's own disk does not.
    assert.match(staying({ mounts: [volume("d", "local", { type: "ext4" })] }).reason, /\(d\)/);
  });

  test("in a path of the host is warned of, and stays where told", () => {
    const text = "/srv/data must exist on h2, h3, and holds there what that host has";
    assert.equal(warningOf(moving({ mounts: [bind] }), "bind-mount"), text);
    const shared = moving({ mounts: [bind], labels: { "heartmesh.volumes": "shared" } });
    assert.ok(!codesOf(shared).includes("bind-mount"));
    const stay = staying({ mounts: [bind], labels: { "heartmesh.volumes": "stay" } });
    assert.match(stay.reason, /its data is in \/srv\/data of the host/);
  });
});

describe("a service that stays", () => {
  test("is started elsewhere by Swarm itself where its placement allows it, and that is said", () => {
    const stay = staying({ mounts: [volume("data")] });
    const text = warningOf(stay, "swarm-moves-it");
    assert.match(text, /its placement allows h2, h3, where data is another volume; pin it/);
    const optedOut = staying({ labels: { "heartmesh.migrate": "false" } });
    assert.deepEqual(codesOf(optedOut), ["swarm-moves-it"]);
    const tied = { mounts: [volume("data")], constraints: ["node.hostname==h1"] };
    assert.deepEqual(codesOf(staying(tied)), []);
    assert.deepEqual(codesOf(staying({ mode: "global" })), []);
  });

  test("and waits in vain carries Swarm's own words", () => {
    const web = service("web", { constraints: ["node.labels.type==primary"] });
    const error = "no suitable node (scheduling constraints not satisfied on 2 nodes)";
    const waits = task(web, 1, "", { error });
    const hosts = [typed("h1", "primary", { state: "down" }), host("h2")];
    const stay = stayOf(planFor(view(hosts, [web], [waits])));
    assert.deepEqual(stay.warnings, [{ code: "swarm-says", text: error }]);
  });
});

describe("running twice", () => {
  test("is warned of, while the host is cut off or until it is emptied", () => {
    assert.match(warningOf(moving({}), "may-run-twice"), /while h1 is cut off and not dead/);
    assert.match(warningOf(moving({}, "drain"), "may-run-twice"), /until its new tasks run/);
  });

  test("never happens to a fenced service, which starts later", () => {
    const labels = { "heartmesh.fence": "true" };
    const dead = moving({ labels });
    assert.ok(!codesOf(dead).includes("may-run-twice"));
    assert.match(
      warningOf(dead, "fenced"),
      /only when h1 has stopped it or must have, and so later/,
    );
    assert.match(warningOf(moving({ labels }, "drain"), "fenced"), /stopped before it starts/);
  });
});

test("ports of the host are then at another address", () => {
  const ports = [
    { protocol: "tcp", published: 80, mode: "host" as const },
    { protocol: "udp", published: 53, mode: "host" as const },
  ];
  const text = "port 80/tcp, 53/udp is then at the address of h2, h3, not of h1";
  assert.equal(warningOf(moving({ ports }), "host-port"), text);
});

test("a stop_grace_period above a minute is told", () => {
  assert.ok(!codesOf(moving({ stopGracePeriod: 60_000 })).includes("stop-grace-period"));
  assert.match(warningOf(moving({ stopGracePeriod: 90_000 }), "stop-grace-period"), /take 90 s/);
});

test("of an image it is told which hosts are not seen to have it, and no more", () => {
  const pinned = `web@sha256:${"0".repeat(64)}`;
  const digest = warningOf(moving({ image: pinned }), "image");
  assert.match(digest, /nothing runs web@sha256:0+ on h2, h3 now: they must have it or be able/);
  assert.match(warningOf(moving({ image: "web:1" }), "image"), /the image has no digest/);
  const web = service("web", { image: pinned });
  const twin = service("twin", { image: pinned });
  const tasks = [...tasksOn(web, "h1"), ...tasksOn(twin, "h2")];
  const some = moveOf(planFor(view(plain, [web, twin], tasks)));
  assert.match(warningOf(some, "image"), /on h3 now/);
  const all = moveOf(planFor(view(plain, [web, twin], [...tasks, task(twin, 2, "h3")])));
  assert.ok(!codesOf(all).includes("image"));
});

test("reserved kinds that are not looked at, an unfinished update and an earlier move are told", () => {
  assert.match(warningOf(moving({ genericReservations: ["gpu"] }), "generic-resources"), /gpu/);
  for (const updateState of ["updating", "paused", "rollback_paused"]) {
    assert.match(warningOf(moving({ updateState }), "update-state"), new RegExp(updateState));
  }
  assert.ok(!codesOf(moving({ updateState: "completed" })).includes("update-state"));
});

test("healthy replicas that would have to move too are counted", () => {
  // h3 is paused: what runs there runs on, and no new task may come.
  const hosts = [
    typed("h1", "primary"),
    typed("h2", "secondary"),
    typed("h3", "primary", { availability: "pause" }),
  ];
  const web = service("web", { replicas: 2, constraints: ["node.labels.type==primary"] });
  const move = moveOf(planFor(view(hosts, [web], tasksOn(web, "h1", "h3"))));
  assert.match(warningOf(move, "disturbs"), /^1 of its replicas on h3 are healthy and move too$/);
});
