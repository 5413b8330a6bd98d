// Plans on a real Swarm of three hosts: the picture is right, and the planner judges hosts as Swarm does.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { HostsView, PlanView, ServicePlanView } from "../../proto/rest.ts";
import { parseConstraints } from "../../coordinator/core/migration/constraints.ts";
import { Ground } from "../../coordinator/core/migration/ground.ts";
import { planHost, type HostPlan } from "../../coordinator/core/migration/plan.ts";
import type { SwarmService } from "../../coordinator/core/migration/swarm-view.ts";
import { SwarmReader, type SwarmReading } from "../../coordinator/docker/swarm.ts";
import { clientOf } from "../coordinator/docker/watched.ts";
import { settings } from "../coordinator/core/migration/planned.ts";
import { run } from "../coordinator/cli/running.ts";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { needs } from "../lab/requirements.ts";
import { startSwarm, type SwarmLab } from "../lab/swarm.ts";
import { Trio } from "../lab/trio.ts";
import { until } from "../waiting.ts";

const tied = ["--constraint", "node.labels.type==primary"];

describe("a plan of a real Swarm", { skip: needs("root", "engine", "redis") }, () => {
  let lab: SwarmLab;
  let reader: SwarmReader;

  before(async () => {
    // The host that falls out is not the leader: its election would be a story of its own.
    const labels = { h3: { type: "primary" }, h2: { type: "secondary" } };
    lab = await startSwarm({ managers: 3, labels, images: ["worker"] });
    reader = readerOf(...lab.hosts.map(({ engine }) => engine));
    await lab.createService("free", ["--replicas", "3"]);
    const settled = ["--update-parallelism", "1", "--update-delay", "1s", "--replicas", "2"];
    await lab.createService("tied", [...tied, ...settled]);
    await lab.createService("named", ["--constraint", "node.hostname==h3", "--replicas", "1"]);
    const volume = ["--mount", "type=volume,source=data,target=/data"];
    await lab.createService("stored", [...tied, ...volume]);
    await lab.createService("daemon", ["--mode", "global"]);
    for (const [name, count] of Object.entries(counts)) await lab.untilRunning(name, count);
  });

  after(() => lab.stop());

  const counts = { free: 3, tied: 2, named: 1, stored: 1, daemon: 3 };
  const picture = async () => swarmOf(await reader.read());
  const planOfHost = async (name: string): Promise<HostPlan> => {
    const { view } = await picture();
    const host = view.hosts.find((one) => one.name === name);
    assert.ok(host !== undefined);
    return planHost(view, { host, cause: "dead", ...settings });
  };

  test("the picture has the hosts, with what they have", async () => {
    const { view, engines } = await picture();
    const seen = view.hosts.map(({ name, id, role, state, availability, address, labels, os }) =>
      [name, id, role, state, availability, address, labels["type"] ?? "", os].join(" "),
    );
    const expected = lab.hosts.map(({ name, nodeId, address }) => {
      const type = { h3: "primary", h2: "secondary" }[name] ?? "";
      return `${name} ${nodeId} manager ready active ${address} ${type} linux`;
    });
    assert.deepEqual(seen.sort(), expected.sort());
    for (const { resources, volumeDrivers } of view.hosts) {
      assert.ok(resources.memoryBytes > 2 ** 28 && resources.nanoCpus >= 1e9);
      assert.ok(volumeDrivers.includes("local"));
    }
    assert.deepEqual(
      engines.map(({ engine, nodeId }) => [engine, nodeId]),
      lab.hosts.map(({ name, nodeId }) => [name, nodeId]),
    );
  });

  test("and the services, with what was asked for them", async () => {
    const words = [
      ...["--constraint", "node.role==manager", "--replicas-max-per-node", "2"],
      ...["--reserve-memory", "16m", "--reserve-cpu", "0.25", "--stop-grace-period", "90s"],
      ...["--publish", "mode=host,protocol=udp,target=53,published=5353"],
      ...["--publish", "mode=ingress,target=80,published=8088"],
      ...["--mount", "type=bind,source=/etc,target=/host,readonly"],
      ...["--mount", "type=volume,source=far,target=/far,volume-driver=local"],
      ...["--label", "heartmesh.fence=true", "--container-label", "heartmesh.worker=x"],
    ];
    await lab.createService("whole", words);
    await lab.untilRunning("whole", 1);
    const { view } = await picture();
    const whole = view.services.find(({ name }) => name === "whole");
    assert.ok(whole !== undefined);
    const { id: _id, version, image, updateConfig: _update, updateState, ...rest } = whole;
    assert.ok(version > 0 && image.includes("worker") && updateState === "");
    const expected: Omit<
      SwarmService,
      "id" | "version" | "image" | "updateConfig" | "updateState"
    > = {
      name: "whole",
      labels: { "heartmesh.fence": "true" },
      containerLabels: { "heartmesh.worker": "x" },
      mode: "replicated",
      replicas: 1,
      constraints: ["node.role==manager"],
      maxReplicasPerHost: 2,
      platforms: [],
      reservations: { nanoCpus: 0.25e9, memoryBytes: 16 * 2 ** 20 },
      genericReservations: [],
      mounts: [
        { type: "bind", source: "/etc", driver: "", driverOptions: {} },
        { type: "volume", source: "far", driver: "local", driverOptions: {} },
      ],
      ports: [
        { protocol: "udp", published: 5353, mode: "host" },
        { protocol: "tcp", published: 8088, mode: "ingress" },
      ],
      stopGracePeriod: 90_000,
    };
    assert.deepEqual(rest, expected);
    const [task] = view.tasks.filter(({ serviceId }) => serviceId === whole.id);
    assert.deepEqual([task?.state, task?.slot, task?.image], ["running", 1, image]);
    assert.deepEqual(task?.reservations, whole.reservations);
    await lab.docker("service", "rm", "whole");
  });

  test("hosts satisfy a constraint for the planner where Swarm runs a global service under it", async () => {
    const constraints = [
      ...["node.role == manager", "node.hostname!=h2", "node.labels.type==PRIMARY"],
      ...["node.labels.Type==primary", "node.labels.zone!=a", "NODE.LABELS.type!=secondary"],
      ...["node.ip==10.77.0.0/31", "node.ip!=10.77.0.2", "node.platform.os==linux"],
      ...[`node.id==${lab.host("h2").nodeId}`, "engine.labels.disk==ssd"],
    ];
    for (const [at, constraint] of constraints.entries()) {
      await lab.createService(`all${at}`, ["--mode", "global", "--constraint", constraint]);
    }
    const expected = (view: Awaited<ReturnType<typeof picture>>["view"]): string[] =>
      constraints.map((constraint) => {
        const { known, unknown } = parseConstraints([constraint]);
        assert.deepEqual(unknown, []);
        const rooms = new Ground(view).roomsFor(view.services[0]!, known);
        return rooms.flatMap(({ host, count }) => (count > 0 ? host.name : [])).join(" ");
      });
    const placed = await until(
      "Swarm places them as expected",
      async () => {
        const { view } = await picture();
        const names = new Map(view.hosts.map(({ id, name }) => [id, name]));
        const places = constraints.map((_, at) => {
          const one = view.services.find(({ name }) => name === `all${at}`);
          const running = view.tasks.filter(
            (task) => task.serviceId === one?.id && task.state === "running",
          );
          return running
            .map(({ hostId }) => names.get(hostId) ?? "")
            .sort()
            .join(" ");
        });
        return places.join() === expected(view).join() ? places : undefined;
      },
      20_000,
      250,
    );
    assert.deepEqual(placed.slice(2, 5), ["h3", "", "h1 h2 h3"]);
    await lab.docker("service", "rm", ...constraints.map((_, at) => `all${at}`));
  });

  test("where the planner sees no room, Swarm leaves tasks waiting, and its words are read", async () => {
    const there = ["--constraint", "node.hostname==h2"];
    const port = ["--publish", "mode=host,target=80,published=8081"];
    const bounded: Readonly<Record<string, readonly string[]>> = {
      second: port,
      single: ["--replicas", "2", "--replicas-max-per-node", "1"],
      huge: ["--reserve-memory", "4096g"],
    };
    await lab.createService("first", [...there, ...port]);
    await lab.untilRunning("first", 1);
    for (const [name, words] of Object.entries(bounded)) {
      await lab.createService(name, [...there, ...words]);
    }
    await lab.untilRunning("single", 1);
    const waiting = await until("Swarm says why they wait", async () => {
      const { view } = await picture();
      const told = Object.keys(bounded).map((name) => {
        const service = view.services.find((one) => one.name === name);
        const [task] = view.tasks.filter(
          ({ serviceId, hostId, error }) =>
            serviceId === service?.id && hostId === "" && error !== "",
        );
        return task === undefined || service === undefined ? [] : [{ service, view }];
      });
      return told.flat().length === 3 ? told.flat() : undefined;
    });
    const reasons = waiting.map(({ service, view }) => {
      const { known } = parseConstraints(service.constraints);
      const rooms = new Ground(view).roomsFor(service, known);
      assert.ok(rooms.every(({ count }) => count === 0));
      return rooms.find(({ host }) => host.name === "h2")?.reason ?? "";
    });
    assert.equal(reasons[0], "port 8081/tcp of first is taken there");
    assert.equal(reasons[1], "max_replicas_per_node is 1, and it runs 1");
    assert.match(reasons[2] ?? "", /of memory are unreserved, and a replica reserves 4096 GiB$/);
    await lab.docker("service", "rm", "first", ...Object.keys(bounded));
  });

  test("a coordinator lists the hosts, and tells the plan in words and whole", async () => {
    const hosts = lab.hosts.map(({ engine }) => engine.host).join(",");
    const env = { DOCKER_HOST: hosts };
    const trio = await Trio.start(lab.host("h1").engine, { coordinators: 1, env });
    try {
      const asking = { HEARTMESH_URL: trio.url("c1") };
      const listed = await run(["hosts"], asking);
      assert.equal(listed.code, 0, listed.err);
      // No agent of a host runs; the coordinator may not even have heard yet which hosts there are.
      const row =
        /^h3 +\w{12} +manager +ready +(?:unknown|-) +active +10\.77\.0\.3 +6 +0 +type=primary$/m;
      assert.match(listed.out, row);
      const json = JSON.parse((await run(["hosts", "--json"], asking)).out) as HostsView;
      assert.deepEqual(
        json.hosts.map(({ name, engine }) => [name, engine]),
        lab.hosts.map(({ name }) => [name, name]),
      );
      const told = await run(["plan", "h3"], asking);
      assert.equal(told.code, 0, told.err);
      assert.match(told.out, /^tied +moves 2 +h3 +h2 +node\.labels\.type==secondary instead of/m);
      assert.match(told.out, /^free +moves 1 +h3 +h1, h2 +as before, without this host$/m);
      assert.match(told.out, /^named +moves 1 +h3 +h1, h2 +without node\.hostname==h3$/m);
      assert.match(
        told.out,
        /^stored +stays +h3 +- +its data is in local volumes of the host \(data\)/m,
      );
      assert.match(told.out, /^daemon +stays +h3 +- +it is global/m);
      const byId = await run(["plan", lab.host("h3").nodeId.slice(0, 8), "--json"], asking);
      const plan = JSON.parse(byId.out) as PlanView;
      const here = await planOfHost("h3");
      assert.deepEqual(
        plan.services.map(briefly),
        here.services.map(({ service, action }) => `${service.name} ${action}`),
      );
      assert.equal((await run(["plan", "h9"], asking)).code, 1);
    } finally {
      await trio.stop();
    }
  });

  test("without a Swarm, without a manager, or without an answer it is said which", async () => {
    const plain = await startEngine({ name: "h9" });
    try {
      const nowhere = { name: "h8", host: `unix://${plain.dir}/nowhere` };
      const alone = await readerOf(plain).read();
      assert.deepEqual(alone, {
        kind: "none",
        text: "h9 is in no Swarm",
        engines: [{ engine: "h9", nodeId: "" }],
      });
      assert.equal((await readerOf(nowhere).read()).kind, "silent");
      assert.equal((await readerOf(nowhere, plain).read()).kind, "none");
      assert.equal((await readerOf().read()).kind, "none");
      const beside = swarmOf(await readerOf(nowhere, lab.host("h2").engine).read());
      assert.equal(beside.view.hosts.length, 3);
    } finally {
      await plain.stop();
    }
  });

  test("a Swarm that has lost its quorum is told within seconds, though its leader still answers", async () => {
    await Promise.all([lab.powerOff("h2"), lab.powerOff("h3")]);
    const begun = performance.now();
    const reading = await until(
      "the loss is told",
      async () => {
        const one = await reader.read();
        return one.kind === "swarm" ? undefined : one;
      },
      10_000,
      100,
    );
    console.log(`quorum lost to told: ${Math.round(performance.now() - begun)} ms`);
    assert.equal(reading.kind, "no-quorum");
    assert.match(reading.text, /^h1 reaches 1 of 3 managers, itself included; h2: .*; h3: /);
    const fresh = await readerOf(lab.host("h1").engine).read();
    assert.equal(fresh.kind, "no-quorum");
  });
});

const readerOf = (...engines: readonly Pick<LabEngine, "name" | "host">[]): SwarmReader =>
  new SwarmReader(engines.map(({ name, host }) => clientOf(`${name}=${host}`)));

const briefly = ({ name, action }: ServicePlanView): string => `${name} ${action}`;

function swarmOf(reading: SwarmReading): Extract<SwarmReading, { kind: "swarm" }> {
  if (reading.kind === "swarm") return reading;
  throw new Error(`${reading.kind}: ${reading.text}`);
}
