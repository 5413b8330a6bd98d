// The lab's Swarm: its services run where they should, a host can be cut off, lossy, frozen or dead, and nothing is left of it.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { pidWithoutEngine } from "./containers.ts";
import { inNamespace } from "./engine.ts";
import { isStopped, leftOf } from "./leftovers.ts";
import { needs } from "./requirements.ts";
import { startSwarm, type SwarmHost, type SwarmLab } from "./swarm.ts";
import { nodesOf, runningOn, tasksOf } from "./swarm-view.ts";
import { pause, until } from "../waiting.ts";

const skip = needs("root", "engine");

describe("a Swarm of three hosts", { skip }, () => {
  let lab: SwarmLab;

  before(async () => {
    const begun = performance.now();
    lab = await startSwarm({
      labels: { h1: { type: "primary" }, h2: { type: "secondary" } },
      images: ["worker"],
    });
    console.log(`three hosts, one manager: ${Math.round(performance.now() - begun)} ms`);
  });

  after(() => lab.stop());

  test("has three ready nodes by the hosts' names, with their labels", async () => {
    const nodes = await nodesOf(lab.manager.engine);
    const said = nodes.map(({ name, state, labels }) => `${name} ${state} ${labels["type"] ?? ""}`);
    assert.deepEqual(said.sort(), ["h1 ready primary", "h2 ready secondary", "h3 ready "]);
    assert.deepEqual(
      lab.hosts.map(({ nodeId }) => nodeId).sort(),
      nodes.map(({ id }) => id).sort(),
    );
  });

  test("runs a service on several hosts, and a pinned one on the primary alone", async () => {
    await lab.createService("web", ["--replicas", "6", "--restart-delay", "100ms"]);
    const primary = ["--replicas", "2", "--constraint", "node.labels.type==primary"];
    await lab.createService("pinned", primary);
    const web = await lab.untilRunning("web", 6);
    assert.deepEqual(await placesOf(lab, "web"), { h1: 2, h2: 2, h3: 2 });
    for (const host of lab.hosts) {
      const there = await lab.containers(host.name, "web");
      const told = web.filter(({ nodeId }) => nodeId === host.nodeId);
      assert.deepEqual(
        there.map(({ id, task }) => [id, task]).sort(),
        told.map(({ id, container }) => [container, id]).sort(),
      );
      for (const { id } of there) assert.ok(pidWithoutEngine(host.engine, id) > 0);
    }
    await lab.untilRunning("pinned", 2);
    assert.deepEqual(await placesOf(lab, "pinned"), { h1: 2, h2: 0, h3: 0 });
  });

  test("loses packets in the direction that is cut, and in no other", async () => {
    const ears = lab.hosts.map((host) => new Ear(host));
    try {
      const clear = ["h1→h2", "h1→h3", "h2→h1", "h2→h3", "h3→h1", "h3→h2"];
      const without = (...lost: readonly string[]) => clear.filter((way) => !lost.includes(way));
      await until("everybody hears everybody", async () => (await open(ears)).length === 6);
      await lab.cut("h2", "in");
      assert.deepEqual(await open(ears), without("h1→h2", "h3→h2"));
      await lab.cut("h3", "out");
      assert.deepEqual(await open(ears), without("h1→h2", "h3→h2", "h3→h1"));
      await lab.heal("h2");
      assert.deepEqual(await open(ears), without("h3→h1", "h3→h2"));
      await lab.heal("h3");
      await lab.cut("h2", "both");
      assert.deepEqual(await open(ears), ["h1→h3", "h3→h1"]);
      await lab.heal("h2");
      await lab.cut("h3", "link");
      assert.deepEqual(await open(ears), ["h1→h2", "h2→h1"]);
      await lab.heal("h3");
      await until("everybody again", async () => (await open(ears)).length === 6);
      await lab.lose("h2", 0.3);
      const [first, second, third] = ears as [Ear, Ear, Ear];
      // Of 200 datagrams 140, give or take five standard deviations. More of them a socket does not hold.
      for (const [from, to] of [[first, second] as const, [second, third] as const]) {
        const heard = await from.tell(to, 200);
        assert.ok(heard > 107 && heard < 173, `${heard} of 200 heard`);
      }
      assert.equal(await first.tell(third, 200), 200);
      await lab.heal("h2");
    } finally {
      for (const ear of ears) ear.stop();
    }
  });

  test("a frozen engine answers nobody while its containers run", async () => {
    const { engine } = lab.host("h3");
    const [one] = await lab.containers("h3", "web");
    engine.pause();
    try {
      await until("it stands still", () => isStopped(engine.pid) || undefined);
      await assert.rejects(runningOn(engine, 500), /no answer/);
      assert.ok(pidWithoutEngine(engine, one?.id ?? "") > 0);
    } finally {
      engine.resume();
    }
    assert.equal((await lab.containers("h3", "web")).length, 2);
  });

  test("a frozen host stands still, containers and all, until it is thawed", async () => {
    const { engine } = lab.host("h3");
    const [one] = await lab.containers("h3", "web");
    const pid = pidWithoutEngine(engine, one?.id ?? "");
    try {
      await lab.freeze("h3");
      for (const other of [pid, engine.pid]) assert.ok(isStopped(other));
      await assert.rejects(runningOn(engine, 500), /no answer/);
    } finally {
      lab.thaw("h3");
    }
    assert.ok(!isStopped(pid));
    assert.equal((await lab.containers("h3", "web")).length, 2);
    await lab.untilNode("h3", "ready");
  });

  test("a host that was cut off is down while its containers run on, one without power runs nothing; both come back", async () => {
    const cut = lab.host("h3");
    const dark = lab.host("h2");
    const before = await lab.containers(cut.name, "web");
    const [lost] = await lab.containers(dark.name, "web");
    const program = inNamespace(dark.engine, "sleep", ["1000"], { stdio: "ignore" });
    const ended = new Promise((resolve) => program.once("exit", resolve));
    const begun = performance.now();
    await Promise.all([lab.cut(cut.name), lab.powerOff(dark.name)]);
    await ended;
    assert.throws(() => pidWithoutEngine(dark.engine, lost?.id ?? ""), /no process/);
    assert.equal(existsSync(`/var/run/netns/${dark.engine.netns}`), false);
    await Promise.all([lab.untilNode(cut.name, "down"), lab.untilNode(dark.name, "down")]);
    console.log(`cut to down: ${Math.round(performance.now() - begun)} ms`);
    await lab.untilRunning("web", 6);
    assert.deepEqual(await placesOf(lab, "web"), { h1: 6, h2: 0, h3: 2 });
    assert.deepEqual(await lab.containers(cut.name, "web"), before);

    await Promise.all([lab.heal(cut.name), lab.powerOn(dark.name)]);
    await Promise.all([lab.untilNode(cut.name, "ready"), lab.untilNode(dark.name, "ready")]);
    await until("the Swarm ends what it had replaced", async () => {
      const places = await placesOf(lab, "web");
      return places["h2"] === 0 && places["h3"] === 0;
    });
    const all = await tasksOf(lab.manager.engine, "web");
    assert.equal(all.filter(({ desired }) => desired === "running").length, 6);
  });

  test("stop() removes all of it", async () => {
    assert.ok(leftOf(process.pid).length > 0);
    await lab.stop();
    assert.deepEqual(leftOf(process.pid), []);
    for (const { name } of lab.hosts) assert.equal(existsSync(`/sys/class/net/${name}`), false);
  });
});

test("three managers: one may lose its power, and is one of them again", { skip }, async () => {
  const begun = performance.now();
  const lab = await startSwarm({ managers: 3 });
  try {
    console.log(`three hosts, all managers: ${Math.round(performance.now() - begun)} ms`);
    for (const { engine } of lab.hosts) {
      const managers = (await nodesOf(engine)).map(({ name, manager }) => [name, manager]);
      assert.deepEqual(Object.fromEntries(managers), {
        h1: { isLeader: true, isReachable: true },
        h2: { isLeader: false, isReachable: true },
        h3: { isLeader: false, isReachable: true },
      });
    }
    const isReachable = async (name: string): Promise<boolean | undefined> =>
      (await lab.node(name)).manager?.isReachable;
    // Not the leader: the election of another takes Swarm 10 to 30 s.
    await lab.powerOff("h2");
    await until("h2 is missed", async () => !(await isReachable("h2")), 30_000, 50);
    await lab.createService("while-away", ["--replicas", "0"]);
    await lab.powerOn("h2");
    await until("h2 is back", () => isReachable("h2"), 30_000, 50);
    const { engine } = lab.host("h2");
    const told = await engine.docker("service", "ls", "--format", "{{.Name}}");
    assert.equal(told.stdout, "while-away\n");
    await lab.cut("h1");
    assert.equal(lab.manager.name, "h2");
  } finally {
    await lab.stop();
  }
  assert.deepEqual(leftOf(process.pid), []);
});

test("what a killed owner left is swept by whoever starts a lab next", { skip }, async () => {
  const child = evaluate(`
    import { inNamespace } from "./test/lab/engine.ts";
    import { startSwarm } from "./test/lab/swarm.ts";
    const lab = await startSwarm({ hosts: 2, images: ["worker"] });
    await lab.createService("all", ["--mode", "global"]);
    await lab.untilRunning("all", 2);
    const stdio = ["ignore", "inherit", "inherit"];
    inNamespace(lab.host("h1").engine, "sh", ["-c", "sleep 1000 & echo $!; wait"], { stdio });
    setInterval(() => {}, 1000);`);
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until("the other Swarm is up", () => said.endsWith("\n"), 60_000);
  const grandchild = `/proc/${said.trim()}/exe`;
  const owner = child.pid ?? 0;
  child.kill("SIGKILL");
  await exitOf(child);
  // Directory, namespace and cgroups of each host and of the network, and the programs of the engines.
  assert.ok(leftOf(owner).length > 9);
  assert.ok(existsSync(grandchild));
  const sweeper = evaluate(`
    import { removeLeftovers } from "./test/lab/leftovers.ts";
    await removeLeftovers();`);
  assert.equal(await exitOf(sweeper), 0);
  assert.deepEqual(leftOf(owner), []);
  assert.equal(existsSync(grandchild), false);
});

function evaluate(script: string): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.once("exit", resolve);
  });
}

/** How many containers of the service really run on each host. */
async function placesOf(lab: SwarmLab, service: string): Promise<Readonly<Record<string, number>>> {
  const counted = lab.hosts.map(
    async ({ name }) => [name, (await lab.containers(name, service)).length] as const,
  );
  return Object.fromEntries(await Promise.all(counted));
}

/** Which ways between two hosts a datagram finds. */
async function open(ears: readonly Ear[]): Promise<readonly string[]> {
  const ways = ears.flatMap((from) => ears.map((to) => [from, to] as const));
  const found: string[] = [];
  for (const [from, to] of ways) {
    if (from !== to && (await from.tell(to, 3)) > 0) found.push(`${from.name}→${to.name}`);
  }
  return found.sort();
}

/** Hears datagrams at a host's address. */
class Ear {
  readonly name: string;
  readonly #address: string;
  readonly #child: ChildProcess;

  constructor({ name, address, engine }: SwarmHost) {
    this.name = name;
    this.#address = address;
    this.#child = inNamespace(engine, process.execPath, ["-e", ear, address], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  }

  /** How many of these datagrams the other heard. */
  async tell(other: Ear, count: number): Promise<number> {
    await other.#ask({ kind: "forget" });
    await this.#ask({ kind: "send", to: other.#address, count });
    // Between two namespaces a datagram arrives at once.
    await pause(20);
    return other.#ask({ kind: "count", of: this.#address });
  }

  stop(): void {
    this.#child.kill("SIGKILL");
  }

  #ask(question: object): Promise<number> {
    return new Promise((resolve) => {
      this.#child.once("message", (answer) => {
        resolve(Number(answer));
      });
      this.#child.send(question);
    });
  }
}

/** Runs inside the namespace; answers each question with a number. */
const ear = `
const socket = require("node:dgram").createSocket("udp4");
let heard = [];
socket.on("message", (_, { address }) => heard.push(address));
socket.bind(9999, process.argv[1], () => process.on("message", async (question) => {
  if (question.kind === "forget") heard = [];
  for (let sent = 0; sent < (question.count ?? 0); sent++) {
    await new Promise((resolve) => socket.send("hello", 9999, question.to, resolve));
  }
  process.send(heard.filter((address) => address === question.of).length);
}));
process.on("disconnect", () => process.exit(0));
`;
