// A manager's JSON in the words of the core: what is left out, null, or of a kind that is rare.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  hasQuorum,
  quorumOf,
  swarmViewOf,
  type RawNode,
  type RawService,
} from "../../../coordinator/docker/swarm-views.ts";

const hostOf = (node: RawNode) => swarmViewOf({ nodes: [node], services: [], tasks: [] }).hosts[0];
const serviceOf = (raw: RawService) =>
  swarmViewOf({ nodes: [], services: [raw], tasks: [] }).services[0];

test("what an engine leaves out, or writes as null, is nothing", () => {
  assert.deepEqual(hostOf({ ID: "a" }), {
    id: "a",
    name: "",
    role: "worker",
    availability: "active",
    state: "unknown",
    address: "",
    labels: {},
    engineLabels: {},
    os: "",
    arch: "",
    resources: { nanoCpus: 0, memoryBytes: 0 },
    volumeDrivers: [],
  });
  const bare = serviceOf({ ID: "s" });
  const nulls = serviceOf({
    ID: "s",
    Spec: {
      Labels: null,
      TaskTemplate: {
        ContainerSpec: { Labels: null, Mounts: null },
        Resources: null,
        Placement: { Constraints: null, Platforms: null },
      },
      UpdateConfig: null,
      EndpointSpec: { Ports: null },
    },
    UpdateStatus: null,
  });
  assert.deepEqual(nulls, bare);
  assert.deepEqual([bare?.mode, bare?.replicas, bare?.constraints], ["replicated", 0, []]);
  assert.equal(bare?.updateConfig, undefined);
  const { tasks } = swarmViewOf({ nodes: [], services: [], tasks: [{ ID: "t" }] });
  assert.deepEqual([tasks[0]?.hostId, tasks[0]?.slot, tasks[0]?.state], ["", 0, ""]);
});

test("a manager that gives no address of its own has the one under which others reach it", () => {
  const address = (own: string, asManager: string) =>
    hostOf({ ID: "a", Status: { Addr: own }, ManagerStatus: { Addr: asManager } })?.address;
  assert.equal(address("10.0.0.1", "10.0.0.2:2377"), "10.0.0.1");
  assert.equal(address("0.0.0.0", "10.0.0.2:2377"), "10.0.0.2");
  assert.equal(address("", "[fd00::1]:2377"), "fd00::1");
});

test("modes, rare mounts and reserved kinds are told by their names", () => {
  const mode = (Mode: object) => serviceOf({ ID: "s", Spec: { Mode } })?.mode;
  assert.deepEqual(
    [mode({ Global: {} }), mode({ ReplicatedJob: {} }), mode({ GlobalJob: {} })],
    ["global", "replicated-job", "global-job"],
  );
  const nfs = { Name: "local", Options: { type: "nfs" } };
  const service = serviceOf({
    ID: "s",
    Spec: {
      TaskTemplate: {
        ContainerSpec: {
          Mounts: [
            { Type: "volume", Source: "far", VolumeOptions: { DriverConfig: nfs } },
            { Type: "volume", VolumeOptions: { DriverConfig: null } },
          ],
        },
        Resources: {
          Reservations: {
            GenericResources: [
              { NamedResourceSpec: { Kind: "gpu" } },
              { NamedResourceSpec: { Kind: "gpu" } },
              { DiscreteResourceSpec: { Kind: "fpga" } },
            ],
          },
        },
      },
    },
  });
  assert.deepEqual(service?.mounts, [
    { type: "volume", source: "far", driver: "local", driverOptions: { type: "nfs" } },
    { type: "volume", source: "", driver: "", driverOptions: {} },
  ]);
  assert.deepEqual(service.genericReservations, ["fpga", "gpu"]);
});

test("a quorum is more than half of the managers, workers not counted", () => {
  const nodes = (...words: readonly (string | undefined)[]): RawNode[] =>
    words.map((Reachability, at) => ({
      ID: String(at),
      ...(Reachability === undefined ? {} : { ManagerStatus: { Reachability } }),
    }));
  assert.equal(hasQuorum(quorumOf(nodes("reachable", undefined, undefined))), true);
  assert.equal(hasQuorum(quorumOf(nodes("reachable", "unreachable"))), false);
  assert.equal(hasQuorum(quorumOf(nodes("reachable", "reachable", "unreachable"))), true);
  assert.equal(hasQuorum(quorumOf(nodes("reachable", "unknown", "unreachable"))), false);
});
