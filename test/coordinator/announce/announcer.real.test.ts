// The announcer as a process in a network namespace, and Avahi in another one that asks for its name.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { ChildProcess } from "node:child_process";
import { Avahi } from "../../lab/avahi.ts";
import { must, run } from "../../lab/engine.ts";
import { Lan } from "../../lab/lan.ts";
import { Namespace } from "../../lab/namespace.ts";
import { needs } from "../../lab/requirements.ts";
import { command, ensureBuilt } from "../../lab/trio.ts";
import { pause, until } from "../../waiting.ts";

const machines = ["first", "second", "person", "late"] as const;
type Machine = (typeof machines)[number];

describe("the announcer of the public name", { skip: needs("root", "engine", "avahi") }, () => {
  let lan: Lan;
  let person: Avahi;
  const spaces = new Map<Machine, Namespace>();
  const space = (machine: Machine): Namespace => spaces.get(machine)!;
  let runs = 0;

  before(async () => {
    ensureBuilt();
    lan = await Lan.create(machines);
    for (const machine of machines) {
      spaces.set(machine, await Namespace.create(machine));
      await lan.plug(machine, space(machine).name);
    }
    // Docker's, as it stands on a host that runs the compose project.
    for (const words of [
      ["link", "add", "docker0", "type", "bridge"],
      ["addr", "add", "172.17.0.1/16", "dev", "docker0"],
      ["link", "set", "docker0", "up"],
    ]) {
      await must("ip", ["-n", space("first").name, ...words]);
    }
    person = await Avahi.start(space("person"));
  });

  after(async () => {
    for (const one of spaces.values()) await one.stop();
    await lan.stop();
  });

  interface Announcer {
    readonly child: ChildProcess;
    readonly log: () => string;
  }

  const announce = (machine: Machine, env: Readonly<Record<string, string>> = {}): Announcer => {
    const file = `announcer-${String(++runs)}`;
    const child = space(machine).start(file, process.execPath, [command, "announce"], env);
    return { child, log: () => readFileSync(path.join(space(machine).dir, file), "utf8") };
  };
  const stop = async ({ child }: Announcer): Promise<unknown> => {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    return (await exited)[0];
  };
  const said = (announcer: Announcer, words: RegExp): Promise<unknown> =>
    until(`${String(words)} in\n${announcer.log()}`, () => words.test(announcer.log()), 20_000, 50);
  /** What the person gets for it: an address, or nothing. */
  const becomes = (name: string, address: string | undefined): Promise<unknown> =>
    until(
      `${name} to be ${address ?? "unknown"}`,
      async () => (await person.resolve(name)) === address,
      20_000,
      100,
    );

  test("is resolved by its default name to the address of the network, until it stops", async () => {
    assert.equal(await person.resolve("heartmesh.local"), undefined, "nobody has it yet");
    const announcer = announce("first");
    await becomes("heartmesh.local", lan.address("first"));
    await said(announcer, /announced: http:\/\/heartmesh\.local:8000 at 10\.77\.0\.1"/);
    // Who comes after the last of three announcements is answered because it asks.
    await pause(4_000);
    const late = await Avahi.start(space("late"));
    assert.equal(await late.resolve("heartmesh.local"), lan.address("first"));
    assert.equal(await stop(announcer), 0, announcer.log());
    // Without a goodbye Avahi would know it for two more minutes.
    await becomes("heartmesh.local", undefined);
  });

  test("leaves a name to who holds it, and takes it over when it is free", async () => {
    const env = { PUBLIC_NAME: "Shop.local" };
    const holder = announce("first", env);
    await becomes("shop.local", lan.address("first"));
    const other = announce("second", env);
    await said(other, /another machine holds shop\.local/);
    assert.equal(await person.resolve("shop.local"), lan.address("first"));
    assert.equal(await person.resolve("shop-(2).local"), undefined);
    await stop(holder);
    await becomes("shop.local", lan.address("second"));
    assert.equal(await stop(other), 0, other.log());
  });

  test("follows the machine's address, and waits while it has none", async () => {
    const announcer = announce("second", { PUBLIC_NAME: "moving.local" });
    await becomes("moving.local", lan.address("second"));
    const address = (verb: string, text: string): Promise<void> =>
      must("ip", ["-n", space("second").name, "addr", verb, text, "dev", "eth0"]);
    await address("del", `${lan.address("second")}/24`);
    await said(announcer, /no address that its neighbours could reach/);
    await address("add", "10.77.0.99/24");
    await becomes("moving.local", "10.77.0.99");
    await stop(announcer);
    await address("del", "10.77.0.99/24");
    await address("add", `${lan.address("second")}/24`);
  });

  test("shares the port with the machine's own Avahi, whose name stays", async () => {
    await Avahi.start(space("second"), { hostName: "laptop" });
    await becomes("laptop.local", lan.address("second"));
    const announcer = announce("second", { PUBLIC_NAME: "beside.local" });
    await becomes("beside.local", lan.address("second"));
    await said(announcer, /announced:/);
    await stop(announcer);
    await becomes("beside.local", undefined);
    assert.equal(await person.resolve("laptop.local"), lan.address("second"));
  });

  test("of a machine in two networks is quiet once it has announced on both", async () => {
    const [first, elsewhere] = [space("first").name, ["veth", "peer", "name", "eth1p"]];
    await must("ip", ["-n", first, "link", "add", "eth1", "type", ...elsewhere]);
    await must("ip", ["-n", first, "addr", "add", "10.78.0.1/24", "dev", "eth1"]);
    for (const one of ["eth1", "eth1p"]) await must("ip", ["-n", first, "link", "set", one, "up"]);
    const announcer = announce("first", { PUBLIC_NAME: "both.local" });
    await said(announcer, /announced: .* at 10\.77\.0\.1, 10\.78\.0\.1"/);
    await becomes("both.local", lan.address("first"));
    await pause(5_000);
    const within = `--net=${space("person").path}`;
    const packets = ["PREROUTING", "-s", lan.address("first"), "-d", "224.0.0.251"];
    await must("nsenter", [within, "iptables", "-w", "-t", "raw", "-I", ...packets]);
    await pause(5_000);
    const { stdout } = await run("nsenter", [within, "iptables", "-w", "-t", "raw", "-nvxL"]);
    const seen = Number(/(\d+) +\d+ .* 10\.77\.0\.1 +224\.0\.0\.251/.exec(stdout)?.[1]);
    assert.equal(seen, 0, stdout);
    assert.equal(await stop(announcer), 0, announcer.log());
    await must("ip", ["-n", first, "link", "del", "eth1"]);
  });

  test("announces nothing where the name is empty, and stops when it is told", async () => {
    const announcer = announce("first", { PUBLIC_NAME: "" });
    await said(announcer, /PUBLIC_NAME is empty/);
    assert.equal(await person.resolve("heartmesh.local"), undefined);
    assert.equal(await stop(announcer), 0, announcer.log());
  });

  test("refuses what it cannot do, and says why", async () => {
    const refused = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const announcer = announce("first", env);
      const [code] = (await once(announcer.child, "exit")) as [number];
      assert.equal(code, 2, announcer.log());
      return announcer.log();
    };
    const log = await refused({ PUBLIC_NAME: "heartmesh.example.org", PUBLIC_PORT: "0" });
    assert.match(log, /"HM_CONFIG".*PUBLIC_NAME: .*heartmesh\.example\.org.* cannot be announced/);
    assert.match(log, /PUBLIC_PORT: /);
  });

  test("ends with a reason where another program has the port for itself alone", async () => {
    const holder = space("first").start("holder", process.execPath, [
      "-e",
      'require("node:dgram").createSocket("udp4").bind(5353, () => console.log("bound"))',
    ]);
    await until("the port to be taken", () => space("first").lines("holder", "bound") > 0);
    const announcer = announce("first");
    const [code] = (await once(announcer.child, "exit")) as [number];
    assert.equal(code, 1);
    assert.match(announcer.log(), /EADDRINUSE.*disallow-other-stacks=no/);
    holder.kill("SIGKILL");
  });
});
