// From an inspection, as captured, to the calls that make the container again.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { recreationOf } from "../../../coordinator/docker/recreation-spec.ts";
import { keptSpecOf } from "../../../coordinator/docker/spec-store.ts";
import type { RawInspection } from "../../../coordinator/docker/views.ts";

const [worker, agent] = JSON.parse(
  readFileSync(new URL("fixtures/inspect-1.41.json", import.meta.url), "utf8"),
) as [RawInspection, RawInspection];
const anonymous = worker.Mounts?.find((mount) => mount.Destination === "/anon")?.Name ?? "";

test("address, aliases without the old id, and anonymous volumes by their names", () => {
  const { body, connects } = recreationOf(keptSpecOf(worker), { image: "im", replaced: {} });
  assert.equal(body.Image, "im");
  assert.ok(!("Hostname" in body), "the old id is no host name");
  assert.deepEqual(body.NetworkingConfig, {
    EndpointsConfig: {
      p_net: { IPAMConfig: { IPv4Address: "172.30.5.9" }, Aliases: ["www", "w"] },
    },
  });
  assert.deepEqual((body.HostConfig as { Binds: string[] }).Binds, [
    "p_named:/named:rw",
    "/tmp:/hosttmp:ro",
    `${anonymous}:/anon:rw`,
  ]);
  assert.deepEqual(connects, []);
});

test("a guest of a namespace joins the new owner and names nothing that a guest may not", () => {
  const replaced = { [worker.Id]: "n".repeat(64) };
  const { body, connects } = recreationOf(keptSpecOf(agent), { image: "im", replaced });
  const hostConfig = body.HostConfig as { NetworkMode: string; PidMode: string };
  assert.equal(hostConfig.NetworkMode, `container:${"n".repeat(64)}`);
  assert.equal(hostConfig.PidMode, `container:${"n".repeat(64)}`);
  for (const key of ["Hostname", "ExposedPorts", "NetworkingConfig"])
    assert.ok(!(key in body), key);
  assert.deepEqual(connects, []);
});

test("a network mode that is an id, further networks, and mounts without a source", () => {
  const raw: RawInspection = {
    Id: "o".repeat(64),
    Name: "/w",
    Config: { Hostname: "chosen" },
    HostConfig: {
      NetworkMode: "abc123",
      Mounts: [
        { Type: "volume", Target: "/v" },
        { Type: "volume", Source: "named", Target: "/n" },
        { Type: "tmpfs", Target: "/t" },
      ],
    },
    Mounts: [
      { Type: "volume", Name: "f".repeat(64), Destination: "/v", RW: true },
      { Type: "volume", Name: "named", Destination: "/n", RW: true },
    ],
    NetworkSettings: {
      Networks: {
        second: { IPAMConfig: { IPv4Address: "10.0.0.2" }, NetworkID: "def" },
        first: { IPAMConfig: null, NetworkID: "abc123456" },
      },
    },
  };
  const { body, connects } = recreationOf(keptSpecOf(raw), { image: "im", replaced: {} });
  assert.equal(body.Hostname, "chosen");
  assert.deepEqual(body.NetworkingConfig, { EndpointsConfig: { first: {} } });
  assert.deepEqual(connects, [
    { network: "second", endpoint: { IPAMConfig: { IPv4Address: "10.0.0.2" } } },
  ]);
  const hostConfig = body.HostConfig as { Mounts: unknown[]; Binds?: string[] };
  assert.deepEqual(hostConfig.Mounts[0], { Type: "volume", Target: "/v", Source: "f".repeat(64) });
  assert.equal(hostConfig.Mounts.length, 3);
  assert.equal(hostConfig.Binds, undefined);
});

test("what is kept does not change while the container lives", () => {
  const later: RawInspection = {
    ...worker,
    RestartCount: 4,
    State: { Status: "exited", ExitCode: 137 },
  };
  assert.deepEqual(keptSpecOf(later), keptSpecOf(worker));
});
