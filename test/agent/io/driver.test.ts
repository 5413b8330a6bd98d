// The driver: order, the late timer behind datagrams that wait already, the bounded queue, no re-entrance.

import { deepEqual, equal, ok } from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../agent/io/clock.ts";
import { Driver } from "../../../agent/io/driver.ts";
import { MeshSocket } from "../../../agent/io/socket.ts";
import type { Machine } from "../../../proto/machine.ts";
import { after, type Instant } from "../../../proto/units.ts";
import { until } from "../../waiting.ts";

/** Repeats each input as its output; has one deadline. */
class Echo implements Machine<string, string> {
  deadline: Instant | undefined;
  readonly seen: string[] = [];

  step(input: string): readonly string[] {
    this.seen.push(input);
    if (input.startsWith("timer")) this.deadline = undefined;
    return [`${input}!`];
  }

  nextDeadline(): Instant | undefined {
    return this.deadline;
  }
}

interface Made {
  readonly machine: Echo;
  readonly driver: Driver<string, string>;
  readonly performed: string[];
  readonly lateness: number[];
}

function make(perform?: (made: Made, output: string) => void, capacity = 100): Made {
  const machine = new Echo();
  const performed: string[] = [];
  const lateness: number[] = [];
  const driver: Driver<string, string> = new Driver({
    machine,
    clock: systemClock,
    capacity,
    timerInput: (late) => {
      lateness.push(late);
      return "timer";
    },
    perform: (outputs) => {
      for (const output of outputs) {
        performed.push(output);
        perform?.(made, output);
      }
    },
  });
  open.drivers.push(driver);
  const made: Made = { machine, driver, performed, lateness };
  return made;
}

const open: { readonly drivers: Driver<string, string>[]; readonly sockets: MeshSocket[] } = {
  drivers: [],
  sockets: [],
};
afterEach(async () => {
  for (const driver of open.drivers.splice(0)) driver.stop();
  for (const socket of open.sockets.splice(0)) await socket.close();
});

const block = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

/** A timer could end before what it waits for has had its turn: after a stall Node fires it first. */
const someTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
};

describe("the driver", () => {
  it("steps inputs in order and performs the outputs of one before it steps the next", async () => {
    const { driver, machine, performed } = make((made, output) => {
      if (output === "a!") equal(made.machine.seen.length, 1);
    });
    driver.push("a");
    driver.push("b");
    driver.start();
    await nextTurn();
    await nextTurn();
    deepEqual(machine.seen, ["a", "b"]);
    deepEqual(performed, ["a!", "b!"]);
  });

  it("queues an input that comes from inside perform, behind those that wait", async () => {
    const { driver, machine } = make((made, output) => {
      if (output === "a!") {
        made.driver.push("c");
        deepEqual(made.machine.seen, ["a"]);
      }
    });
    driver.start();
    driver.push("a");
    driver.push("b");
    await someTurns();
    deepEqual(machine.seen, ["a", "b", "c"]);
  });

  it("drops and counts datagrams when the queue is full, and nothing else", async () => {
    const { driver, machine } = make(undefined, 3);
    driver.start();
    for (let i = 0; i < 5; i++) driver.push(`d${i}`, true);
    driver.push("job finished");
    equal(driver.dropped, 2);
    await someTurns();
    deepEqual(machine.seen, ["d0", "d1", "d2", "job finished"]);
  });

  it("steps a due deadline with how late it is", async () => {
    const { driver, machine, lateness } = make();
    const begun = performance.now();
    machine.deadline = after(systemClock.now(), 20);
    driver.start();
    block(120);
    await until("the timer's turn", () => machine.seen.length > 0);
    const late = performance.now() - begun - 20;
    deepEqual(machine.seen, ["timer"]);
    ok(lateness[0]! > 80 && lateness[0]! <= late, `lateness ${lateness[0]} of ${late}`);
  });

  it("follows a deadline that becomes earlier, and never fires early", async () => {
    const { driver, machine, lateness } = make();
    machine.deadline = after(systemClock.now(), 5000);
    driver.start();
    driver.push("sooner");
    machine.deadline = after(systemClock.now(), 20);
    await until("the timer's turn", () => machine.seen.length > 1);
    deepEqual(machine.seen, ["sooner", "timer"]);
    ok(lateness[0]! >= 0);
  });

  it("after a stall gives the machine every datagram that waits before the timer", async () => {
    const { driver, machine } = make();
    const receiver = new MeshSocket({
      host: "127.0.0.1",
      port: 0,
      onDatagram: (bytes) => {
        driver.push(bytes.toString(), true);
      },
    });
    const sender = new MeshSocket({ host: "127.0.0.1", port: 0, onDatagram: () => undefined });
    open.sockets.push(receiver, sender);
    const { port } = await receiver.open();
    await sender.open();
    driver.start();
    machine.deadline = after(systemClock.now(), 20);
    driver.push("armed");
    await nextTurn();
    // More than libuv reads of a socket in one turn.
    for (let i = 0; i < 150; i++) sender.send(Buffer.from(`pong ${i}`), port, "127.0.0.1");
    block(100);
    await until("all datagrams", () => machine.seen.length === 152);
    equal(machine.seen.at(-1), "timer");
  });

  it("tells that it was late also where a datagram moved the deadline meanwhile", async () => {
    const { driver, machine, lateness } = make((made, output) => {
      if (output === "moved!") made.machine.deadline = after(systemClock.now(), 60_000);
    });
    machine.deadline = after(systemClock.now(), 20);
    driver.start();
    block(100);
    setImmediate(() => {
      driver.push("moved", true);
    });
    await until("both", () => machine.seen.length === 2);
    deepEqual(machine.seen, ["moved", "timer"]);
    ok(lateness[0]! > 70);
  });

  it("steps nothing after stop, and can be stopped twice", async () => {
    const { driver, machine } = make();
    driver.start();
    driver.start();
    machine.deadline = after(systemClock.now(), 5);
    driver.push("a");
    driver.stop();
    driver.stop();
    await sleep(20);
    deepEqual(machine.seen, []);
  });
});
