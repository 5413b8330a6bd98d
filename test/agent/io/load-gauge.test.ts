// The load of a container by the kernel's accounts, in files as both versions of control groups lay them out.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { LoadGauge } from "../../../agent/io/load-gauge.ts";
import { instant } from "../../../proto/units.ts";

function machine(t: TestContext, files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(path.join(tmpdir(), "heartmesh-gauge-"));
  t.after(() => {
    rmSync(root, { recursive: true });
  });
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  for (const [file, text] of Object.entries(files)) write(file, text);
  let now = instant(1_000);
  const gauge = new LoadGauge({ now: () => now }, root);
  return {
    write,
    read: (after: number): number | undefined => {
      now = instant(now + after);
      return gauge.read();
    },
  };
}

const v1 = "sys/fs/cgroup/cpu,cpuacct";
const v2 = "sys/fs/cgroup";

test("version 1: half of a limit of half a processor is a load of a half", (t) => {
  const { read, write } = machine(t, {
    "proc/self/cgroup": "3:cpuset:/docker/x\n2:cpu,cpuacct:/docker/x\n0::/docker/x\n",
    [`${v1}/cpuacct.usage`]: "7000000000\n",
    [`${v1}/cpu.cfs_quota_us`]: "50000\n",
    [`${v1}/cpu.cfs_period_us`]: "100000\n",
  });
  assert.equal(read(100), undefined);
  write(`${v1}/cpuacct.usage`, "7250000000\n");
  assert.equal(read(900), 0.5);
  assert.equal(read(100), 0.5);
});

test("version 2: its own group goes before what is mounted, one without a limit has one processor", (t) => {
  const { read, write } = machine(t, {
    "proc/self/cgroup": "0::/system.slice/web.service\n",
    [`${v2}/cpu.stat`]: "usage_usec 1\n",
    [`${v2}/system.slice/web.service/cgroup.type`]: "domain\n",
    [`${v2}/system.slice/web.service/cpu.stat`]: "usage_usec 5000000\nuser_usec 1\n",
    [`${v2}/system.slice/web.service/cpu.max`]: "max 100000\n",
  });
  write(`${v2}/system.slice/web.service/cpu.stat`, "usage_usec 7000000\nuser_usec 1\n");
  assert.equal(read(1_000), 2);
  write(`${v2}/system.slice/web.service/cpu.max`, "200000 100000\n");
  write(`${v2}/system.slice/web.service/cpu.stat`, "usage_usec 9000000\nuser_usec 1\n");
  const load = read(1_000) ?? 0;
  assert.ok(load > 1.8 && load < 2, `what was before counts on: ${load}`);
});

test("what was measured is forgotten within seconds", (t) => {
  const { read, write } = machine(t, {
    "proc/self/cgroup": "0::/\n",
    [`${v2}/cgroup.type`]: "domain\n",
    [`${v2}/cpu.stat`]: "usage_usec 0\n",
  });
  write(`${v2}/cpu.stat`, "usage_usec 1000000\n");
  assert.equal(read(1_000), 1);
  let load = 1;
  for (let second = 0; second < 10; second++) load = read(1_000) ?? 1;
  assert.ok(load < 0.2, String(load));
});

test("of a whole machine, or without accounts, nothing is told", (t) => {
  const root = machine(t, { "proc/self/cgroup": "0::/\n", [`${v2}/cpu.stat`]: "usage_usec 0\n" });
  assert.equal(root.read(1_000), undefined);
  const old = machine(t, {
    "proc/self/cgroup": "1:cpu,cpuacct:/\n",
    [`${v1}/release_agent`]: "",
    [`${v1}/cpuacct.usage`]: "0\n",
    [`${v1}/cpu.cfs_quota_us`]: "-1\n",
    [`${v1}/cpu.cfs_period_us`]: "100000\n",
  });
  assert.equal(old.read(1_000), undefined);
  assert.equal(machine(t, {}).read(1_000), undefined);
});
