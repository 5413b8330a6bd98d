// Healthy workers are not touched: while they or their agents pause, while a coordinator is cut off or starved, and while only one can reach them.

import assert from "node:assert/strict";
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { crash, pidOf } from "../lab/containers.ts";
import { run, type LabEngine } from "../lab/engine.ts";
import { lifeOf, startsOf } from "../lab/life.ts";
import { soakAlone, soakNeeds } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const names = ["one", "two", "three", "four"];
/** What would not be true of them. */
const condemning = /^(silent|unhealthy|agent-lost|stopped|gone)/;
/** By the defaults a silence is known after 2 s, and after 3.5 s where a path has learnt patience. */
const longerThanSilence = 4_000;
const cgroups = "/sys/fs/cgroup/cpu";

describe("healthy workers", { skip: soakNeeds("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;
  staged((set) => ({ engine, trio } = set));

  before(async () => {
    for (const [at, name] of names.entries()) {
      // A busy machine makes a second of pause longer than a second.
      const agentEnv = { WORKER_CHECK_THRESHOLD: "3" };
      const arrangement = at % 2 === 0 ? "joins-worker" : "joins-agent";
      await startWorker(trio, { name, arrangement, agentEnv });
    }
    for (const name of names) await trio.verdict(name, "healthy");
    await pause(2_000);
  });

  const startTimes = async (): Promise<string> =>
    (await engine.docker("inspect", "-f", "{{.State.StartedAt}}", ...names, "one-agent")).stdout;
  /** Nobody was condemned or acted on while this went on, and for two seconds more. */
  const untouched = async (what: () => Promise<void>): Promise<void> => {
    const before = await startTimes();
    const at = Date.now();
    await what();
    await pause(2_000);
    const events = (await trio.events()).filter(({ atMs }) => atMs >= at);
    const condemned = events.filter(
      ({ kind, text }) => kind === "verdict-changed" && condemning.test(text),
    );
    assert.deepEqual(condemned, []);
    for (const name of names) {
      const decided = (await trio.recoveries(name)).filter(({ decidedAtMs }) => decidedAtMs >= at);
      assert.deepEqual(decided, [], name);
    }
    assert.equal(await startTimes(), before);
  };
  const iptables = async (verb: "-I" | "-D", chain: string, ...rule: string[]): Promise<void> => {
    const words = ["iptables", "-w", verb, chain, ...rule, "-j", "DROP"];
    const ran = await run("nsenter", [`--net=/var/run/netns/${engine.netns}`, ...words]);
    assert.equal(ran.code, 0, ran.stderr);
  };
  const follower = async (): Promise<string> => {
    const leader = await trio.leader();
    return trio.ids.find((id) => id !== leader) ?? "";
  };
  const fitness = (id: string, fit: boolean): Promise<string> =>
    until(
      `${id} to be ${fit ? "fit" : "unfit"} to judge`,
      async () => {
        const status = await trio.status(id).catch(() => undefined);
        return status?.fit === fit ? status.unfitReason || "fit" : undefined;
      },
      20_000,
      250,
    );

  test(
    "that pause for a second ten times, and whose agents do, are left alone",
    { skip: soakAlone },
    async () => {
      const pids = [await pidOf(engine, "one"), await pidOf(engine, "three-agent")];
      await untouched(async () => {
        for (let round = 0; round < 10; round++) {
          for (const pid of pids) process.kill(pid, "SIGSTOP");
          await pause(1_000);
          for (const pid of pids) process.kill(pid, "SIGCONT");
          await pause(700);
        }
      });
    },
  );

  test("are left alone by a coordinator that is cut off from everybody, and by the others", async () => {
    const cut = await follower();
    const port = String(7701 + trio.ids.indexOf(cut));
    const rules: readonly (readonly [string, ...string[]])[] = [
      ["OUTPUT", "-p", "udp", "-m", "owner", "--gid-owner", trio.group(cut)],
      ["INPUT", "-p", "udp", "--dport", port],
    ];
    await untouched(async () => {
      for (const [chain, ...rule] of rules) await iptables("-I", chain, ...rule);
      try {
        assert.match(await fitness(cut, false), /no other coordinator/);
        await pause(longerThanSilence);
      } finally {
        for (const [chain, ...rule] of rules) await iptables("-D", chain, ...rule);
      }
      await fitness(cut, true);
    });
  });

  test("are left alone by a leader that is starved of its processor, and somebody else leads", async () => {
    const starved = await trio.leader();
    const folder = path.join(cgroups, `hm-starved-${process.pid}`);
    mkdirSync(folder);
    try {
      writeFileSync(path.join(folder, "cpu.cfs_period_us"), "100000");
      writeFileSync(path.join(folder, "cpu.cfs_quota_us"), "2000");
      await untouched(async () => {
        const pid = String(trio.coordinator(starved).pid);
        writeFileSync(path.join(folder, "cgroup.procs"), pid);
        const others = trio.ids.filter((id) => id !== starved);
        await until(
          "another leader",
          async () => {
            const asked = others.map((id) => trio.status(id).catch(() => undefined));
            const all = await Promise.all(asked);
            return all.some((one) => one?.role === "leader" && one.leaseForMs > 0) || undefined;
          },
          30_000,
          250,
        );
        await pause(longerThanSilence);
        writeFileSync(path.join(cgroups, "cgroup.procs"), pid);
        await fitness(starved, true);
      });
    } finally {
      rmdirSync(folder);
    }
  });

  test("that only one coordinator can reach are partial, the broken paths named", async () => {
    const leader = await trio.leader();
    const deaf = trio.ids.filter((id) => id !== leader);
    const format = "{{.NetworkSettings.IPAddress}}";
    const address = (await engine.docker("inspect", "-f", format, "one")).stdout.trim();
    const rules = deaf.map((id) => [
      ...["-p", "udp", "-d", address, "-m", "owner", "--gid-owner", trio.group(id)],
    ]);
    await untouched(async () => {
      for (const rule of rules) await iptables("-I", "OUTPUT", ...rule);
      try {
        await until(
          "the broken paths to be named",
          async () => {
            const { reason } = await trio.verdict("one", "partial");
            return deaf.every((id) => reason.includes(id)) || undefined;
          },
          20_000,
          250,
        );
        await pause(longerThanSilence);
      } finally {
        for (const rule of rules) await iptables("-D", "OUTPUT", ...rule);
      }
      await trio.verdict("one", "healthy");
    });
  });

  for (const ms of [20, 150, 400]) {
    test(
      `are not started twice when the leader freezes ${ms} ms after a death, and wakes up when another has healed`,
      { skip: ms !== 150 && soakAlone },
      async () => {
        const frozen = await trio.leader();
        const at = Date.now();
        await crash(engine, "one");
        await pause(ms);
        trio.coordinator(frozen).process.kill("SIGSTOP");
        const others = trio.ids.filter((id) => id !== frozen);
        try {
          await until(
            "it to be healed",
            async () => {
              const asked = others.map((id) => trio.worker("one", id).catch(() => undefined));
              const all = await Promise.all(asked);
              const isHealthy = all.every((one) => one?.verdict === "healthy");
              const starts = startsOf(await lifeOf(engine, "one", at));
              return (isHealthy && starts.length > 0) || undefined;
            },
            40_000,
            500,
          );
        } finally {
          trio.coordinator(frozen).process.kill("SIGCONT");
        }
        await fitness(frozen, true);
        await pause(4_000);
        const life = (await lifeOf(engine, "one", at)).map(({ action }) => action);
        assert.deepEqual(life, ["die", "start"]);
        for (const name of names) await trio.verdict(name, "healthy");
      },
    );
  }
});
