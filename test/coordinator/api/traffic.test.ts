// What a proxy is told of each verdict, and by which names.

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTrafficAsk, trafficTo } from "../../../coordinator/api/traffic.ts";
import type { VerdictKind } from "../../../coordinator/core/decision.ts";
import type { CoordinatorSummary, WorkerSummary } from "../../../coordinator/core/summary.ts";
import { summaryOf, workerSummary } from "./scripted-plane.ts";

const told = (picture: Partial<CoordinatorSummary>, line: string): string | undefined =>
  trafficTo(summaryOf({ hosts: [], ...picture }), parseTrafficAsk(line));

const task = (id: string, host: string, verdict: VerdictKind = "healthy"): WorkerSummary =>
  workerSummary({ id: `swarm/${id}`, host, verdict });

const [known] = summaryOf().hosts;
const hostOf = (
  id: string,
  availability: "active" | "pause" | "drain",
): CoordinatorSummary["hosts"][number] => {
  assert.ok(known !== undefined);
  const node = {
    id: `node-${id}`,
    hostname: id,
    address: "",
    role: "worker",
    state: "ready",
  } as const;
  const verdict = availability === "drain" ? "draining" : "healthy";
  return { ...known, id: node.id, verdict, node: { ...node, availability } };
};

test("traffic goes to what is heard and well, or seen to run, and to nothing else", () => {
  const expected: Readonly<Record<VerdictKind, string | undefined>> = {
    healthy: "up",
    partial: "up",
    "agent-lost": "up",
    paused: "maint",
    starting: "down",
    unhealthy: "down",
    silent: "down",
    stopped: "down",
    gone: "down",
    stranded: "down",
    away: "down",
    unwatched: undefined,
    unknown: undefined,
  };
  for (const [verdict, word] of Object.entries(expected)) {
    const workers = [workerSummary({ verdict: verdict as VerdictKind })];
    assert.equal(told({ workers }, "h1/web-1"), word, verdict);
  }
});

test("a coordinator that abstains says nothing of anybody", () => {
  for (const line of ["h1/web-1", "nobody", "service:web", "host:h1"]) {
    assert.equal(told({ fit: false }, line), undefined, line);
  }
});

test("a name that nobody bears, or that two bear, is down", () => {
  assert.equal(told({}, "web-1"), "up");
  assert.equal(told({}, "h9/web-1"), "down");
  assert.equal(told({}, "__proto__"), "down");
  const workers = [workerSummary({ id: "h1/web" }), workerSummary({ id: "h2/web" })];
  assert.equal(told({ workers }, "web"), "down");
  assert.equal(told({ workers }, "h2/web"), "up");
});

test("a container of Compose is known by its service too, where one alone is of it", () => {
  const of = (composeService: string, name: string, verdict: VerdictKind = "healthy") =>
    workerSummary({ id: `h1/${name}`, composeService, verdict });
  const web = of("web", "shop-web-1");
  assert.equal(told({ workers: [web] }, "web"), "up");
  assert.equal(told({ workers: [web, of("api-web", "shop-api-web-1", "silent")] }, "web"), "up");
  assert.equal(told({ workers: [web, of("web", "shop-web-2")] }, "web"), "down");
  assert.equal(told({ workers: [web, of("", "web", "paused")] }, "web"), "maint");
  assert.equal(told({ workers: [of("", "shop-web-1")] }, "web"), "down");
});

test("a service is as well as its best task, on the host where one is named", () => {
  const workers = [
    task("web.1", "h1", "silent"),
    task("web.2", "h2"),
    task("web.h3", "h3", "paused"),
    task("web2.1", "h4"),
  ];
  assert.equal(told({ workers }, "service:web"), "up");
  assert.equal(told({ workers }, "service:web@h1"), "down");
  assert.equal(told({ workers }, "service:web@h2"), "up");
  assert.equal(told({ workers }, "service:web@h3"), "maint");
  assert.equal(told({ workers }, "service:web@h4"), "down");
  assert.equal(told({ workers }, "service:"), "down");
  assert.equal(told({ workers: [] }, "service:web"), "down");
  const unsure = [task("web.1", "h1", "silent"), task("web.2", "h2", "unknown")];
  assert.equal(told({ workers: unsure }, "service:web"), undefined);
});

test("what runs on a host that is being emptied is drained, and the host with it", () => {
  const hosts = [hostOf("h1", "drain"), hostOf("h2", "pause")];
  const workers = [task("web.1", "h1"), task("web.2", "h2"), task("db.1", "h1", "silent")];
  assert.equal(told({ workers, hosts }, "swarm/web.1"), "drain");
  assert.equal(told({ workers, hosts }, "swarm/web.2"), "up");
  assert.equal(told({ workers, hosts }, "swarm/db.1"), "down");
  assert.equal(told({ workers, hosts }, "service:web"), "up");
  assert.equal(told({ workers, hosts }, "service:web@h1"), "drain");
  assert.equal(told({ hosts }, "host:h1"), "drain");
  assert.equal(told({ hosts }, "host:node-h2"), "up");
  assert.equal(told({ hosts }, "host:h9"), "down");
});
