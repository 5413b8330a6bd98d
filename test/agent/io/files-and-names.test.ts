// What the agent follows outside itself: its key file, its coordinators' names, its worker's process.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../agent/io/clock.ts";
import { KeyFile } from "../../../agent/io/key-file.ts";
import { ProcessWatch } from "../../../agent/io/process-watch.ts";
import { Resolver } from "../../../agent/io/resolver.ts";
import type { KeyRing } from "../../../proto/key-ring.ts";
import { ringOf } from "../coordinator-voice.ts";
import { until } from "../../waiting.ts";

const folder = mkdtempSync(path.join(tmpdir(), "heartmesh-test-"));
after(() => {
  rmSync(folder, { recursive: true });
});
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const [first, second] = ["the first key of this mesh", "the second key of this mesh"];

describe("the key file", () => {
  const follow = (file: string): { rings: KeyRing[]; problems: string[]; keyFile: KeyFile } => {
    const rings: KeyRing[] = [];
    const problems: string[] = [];
    const keyFile = new KeyFile({
      path: file,
      current: ringOf(first),
      onRing: (ring) => rings.push(ring),
      onProblem: (problem) => problems.push(problem),
      interval: 20,
    });
    closers.push(() => {
      keyFile.stop();
    });
    keyFile.start();
    return { rings, problems, keyFile };
  };

  it("is read again when it changes, also by moving a symbolic link", async () => {
    const [file, old, fresh] = ["key", "old", "new"].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(old, first);
    writeFileSync(fresh, `${second}\n${first}\n`);
    symlinkSync(old, file);
    const { rings } = follow(file);
    await sleep(60);
    deepEqual(rings, []);
    symlinkSync(fresh, `${file}.next`);
    renameSync(`${file}.next`, file);
    await until("rings", () => rings.length > 0);
    deepEqual(rings, [{ keys: [second, first], insecure: false }]);
  });

  it("that cannot be used is told once, leaves the old ring, and tells no key", async () => {
    const file = path.join(folder, "spoilt");
    writeFileSync(file, first);
    const { rings, problems } = follow(file);
    writeFileSync(file, "hunter2");
    await until("problems", () => problems.length > 0);
    await sleep(60);
    equal(problems.length, 1);
    ok(!problems[0]!.includes("hunter2"));
    rmSync(file);
    await until("problems", () => problems.length > 1);
    match(problems[1] ?? "", /cannot be read .*ENOENT/);
    deepEqual(rings, []);
  });
});

describe("a coordinator's name", () => {
  const names = [
    { name: "c1", host: "coordinator-1", port: 7700 },
    { name: "c2", host: "10.0.0.2", port: 7701 },
  ];

  it("is resolved again and again, and the last good answer is kept", async () => {
    let answer: string | undefined;
    let asked = 0;
    const resolver = new Resolver({
      names,
      interval: 20,
      lookup: (host) => {
        equal(host, "coordinator-1");
        asked++;
        return answer === undefined ? Promise.reject(new Error("?")) : Promise.resolve(answer);
      },
    });
    closers.push(() => {
      resolver.stop();
    });
    resolver.start();
    equal(resolver.addressOf("c1"), undefined);
    deepEqual(resolver.addressOf("c2"), { address: "10.0.0.2", port: 7701 });
    answer = "10.0.0.7";
    await until("resolver", () => resolver.addressOf("c1") !== undefined);
    deepEqual(resolver.addressOf("c1"), { address: "10.0.0.7", port: 7700 });
    answer = undefined;
    await sleep(60);
    deepEqual(resolver.addressOf("c1"), { address: "10.0.0.7", port: 7700 });
    answer = "10.0.0.8";
    await until("resolver", () => resolver.addressOf("c1")?.address === "10.0.0.8");
    equal(resolver.addressOf("c1")?.address, "10.0.0.8");
    resolver.stop();
    const before = asked;
    await sleep(60);
    equal(asked, before);
  });

  it("is not asked a second time while its resolver hangs", async () => {
    let asked = 0;
    const lookup = (): Promise<string> => {
      asked++;
      return new Promise(() => undefined);
    };
    const resolver = new Resolver({ names, interval: 10, lookup });
    closers.push(() => {
      resolver.stop();
    });
    resolver.start();
    await sleep(60);
    equal(asked, 1);
  });

  it("is resolved by the system", async () => {
    const resolver = new Resolver({ names: [{ name: "c1", host: "localhost", port: 1 }] });
    closers.push(() => {
      resolver.stop();
    });
    resolver.start();
    await until("resolver", () => resolver.addressOf("c1") !== undefined);
    equal(resolver.addressOf("c1")?.address, "127.0.0.1");
  });
});

describe("the worker's process", () => {
  const watch = (target: string): string[] => {
    const news: string[] = [];
    const watching = new ProcessWatch({
      target,
      clock: systemClock,
      onAppeared: (process) => news.push(`appeared ${process.split("@")[0] ?? ""}`),
      onExited: (process) => news.push(`exited ${process.split("@")[0] ?? ""}`),
    });
    closers.push(() => {
      watching.stop();
    });
    watching.start();
    return news;
  };
  const start = (program = "sleep"): ChildProcess => {
    const child = spawn(program, ["60"], { stdio: "ignore" });
    closers.push(() => child.kill("SIGKILL"));
    return child;
  };

  it("is found by pid, and its exit is seen", async () => {
    const child = start();
    const news = watch(String(child.pid));
    deepEqual(news, [`appeared ${child.pid}`]);
    child.kill("SIGKILL");
    await until("news", () => news.length > 1);
    deepEqual(news, [`appeared ${child.pid}`, `exited ${child.pid}`]);
  });

  it("is found by name, longer ones too, and another one of that name takes its place", async () => {
    const name = `heartmesh-sleeper-${process.pid}`;
    const program = path.join(folder, name);
    copyFileSync("/bin/sleep", program);
    const news = watch(name);
    deepEqual(news, []);
    const child = start(program);
    await until("news", () => news.length > 0);
    deepEqual(news, [`appeared ${child.pid}`]);
    const next = start(program);
    await sleep(100);
    child.kill("SIGKILL");
    await until("news", () => news.length > 2);
    deepEqual(news.slice(1), [`exited ${child.pid}`, `appeared ${next.pid}`]);
  });

  it("is gone when only a zombie is left of it", async () => {
    // The shell's child exits, and the shell, replaced by sleep, never reaps it.
    const file = path.join(folder, "zombie.pid");
    const shell = spawn("sh", ["-c", `sleep 0.3 & echo $! > ${file}; exec sleep 60`]);
    closers.push(() => shell.kill("SIGKILL"));
    await sleep(100);
    const news = watch(file);
    equal(news.length, 1);
    await until("news", () => news.length > 1);
    match(news[1] ?? "", /^exited/);
    shell.kill("SIGKILL");
    await once(shell, "exit");
  });
});
