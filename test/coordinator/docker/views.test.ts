// An engine's JSON in the words of the core: as captured from API 1.41, and as newer engines write it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { viewOf, type RawInspection } from "../../../coordinator/docker/views.ts";

const parseView = (raw: RawInspection) => viewOf("h1", raw);

const captured = JSON.parse(
  readFileSync(new URL("fixtures/inspect-1.41.json", import.meta.url), "utf8"),
) as [RawInspection, RawInspection];

test("a worker as engine 20.10 describes it", () => {
  const view = parseView(captured[0]);
  assert.equal(view.host, "h1");
  assert.equal(view.name, "p_w_1");
  assert.equal(view.state, "running");
  assert.equal(view.startedAt, "2026-11-20T22:10:47.330837867Z");
  assert.equal(view.health, "healthy");
  assert.equal(view.restartPolicy, "no");
  assert.equal(view.networkMode, "p_net");
  assert.deepEqual(view.addresses, ["172.30.5.9"]);
  assert.equal(view.imageStartPeriod, 7_000);
  assert.equal(view.labels.role, "node");
});

test("an agent in its worker's namespaces as engine 20.10 describes it", () => {
  const view = parseView(captured[1]);
  assert.equal(view.networkMode, `container:${captured[0].Id}`);
  assert.equal(view.pidMode, `container:${captured[0].Id}`);
  assert.deepEqual(view.addresses, []);
  assert.equal(view.health, "none");
  assert.equal(view.labels["heartmesh.agent"], "true");
});

test("what newer engines leave out or write differently", () => {
  const view = parseView({
    Id: "a".repeat(64),
    Name: "/w",
    State: {
      Status: "created",
      StartedAt: "0001-01-01T00:00:00Z",
      Health: { Status: "none" },
    },
    Config: { Labels: null, Healthcheck: null },
    HostConfig: { RestartPolicy: { Name: "unless-stopped" } },
    NetworkSettings: {
      Networks: { n: { IPAddress: "", GlobalIPv6Address: "fd00::2", Aliases: null } },
    },
  });
  assert.equal(view.startedAt, "");
  assert.equal(view.health, "none");
  assert.deepEqual(view.labels, {});
  assert.equal(view.restartPolicy, "unless-stopped");
  assert.equal(view.networkMode, "bridge");
  assert.deepEqual(view.addresses, ["fd00::2"]);
  assert.equal(view.imageStartPeriod, 0);
});

test("the old name of the default bridge, and a state that nobody knows", () => {
  const raw = { Id: "x", Name: "y", HostConfig: { NetworkMode: "default" } };
  assert.equal(parseView(raw).networkMode, "bridge");
  assert.equal(parseView({ ...raw, State: { Status: "vanishing" } }).state, "dead");
});

test("the signal that stops a container, by name, short name or number", () => {
  const signalOf = (StopSignal: string) =>
    parseView({ Id: "x", Name: "y", Config: { StopSignal } }).stopSignal;
  assert.equal(signalOf("SIGUSR1"), 10);
  assert.equal(signalOf("WINCH"), 28);
  assert.equal(signalOf("3"), 3);
  assert.equal(signalOf(""), undefined);
  assert.equal(signalOf("SIGNONSENSE"), undefined);
});
