// How busy the processors of this process's own container are, by the accounts of its control group (cgroup, version 1 or 2).

import { existsSync } from "node:fs";
import path from "node:path";
import { elapsed, type Duration, type Instant } from "../../proto/units.ts";
import type { Clock } from "./clock.ts";
import { readProc } from "./proc.ts";

/** Looks closer together tell more of the kernel's own grain than of the worker. */
const shortest: Duration = 500;
/** What was measured so long ago still counts a third. */
const memory: Duration = 5_000;

/** Where the kernel keeps accounts of this process's group. */
type Accounts =
  | { readonly version: 1; readonly usage: string; readonly quota: string; readonly period: string }
  | { readonly version: 2; readonly usage: string; readonly quota: string };

export class LoadGauge {
  readonly #clock: Pick<Clock, "now">;
  readonly #accounts: Accounts | undefined;
  #last: { readonly at: Instant; readonly busy: Duration } | undefined;
  #load: number | undefined;

  /** @param root where `proc` and `sys` are */
  constructor(clock: Pick<Clock, "now">, root = "/") {
    this.#clock = clock;
    this.#accounts = accountsOf(root);
    this.#look();
  }

  /**
   * 1 is all of the group's limit, or one whole processor where it has none; about the last seconds. Undefined before the second look,
   * and outside any group, where the accounts are the whole machine's.
   */
  read(): number | undefined {
    this.#look();
    return this.#load;
  }

  #look(): void {
    const at = this.#clock.now();
    const past = this.#last === undefined ? Number.POSITIVE_INFINITY : elapsed(this.#last.at, at);
    if (this.#accounts === undefined || past < shortest) return;
    const busy = busyTime(this.#accounts);
    if (busy === undefined) return;
    if (this.#last !== undefined) {
      const now = Math.max(0, busy - this.#last.busy) / past / limitOf(this.#accounts);
      const kept = this.#load === undefined ? 0 : Math.exp(-past / memory);
      this.#load = kept * (this.#load ?? 0) + (1 - kept) * now;
    }
    this.#last = { at, busy };
  }
}

function accountsOf(root: string): Accounts | undefined {
  const groups = (readProc(path.join(root, "proc/self/cgroup")) ?? "").trim().split("\n");
  const places = groups.flatMap((line) => {
    const [id = "", controllers = "", own = ""] = line.split(/:(.*?):/s);
    return id === "" ? [] : [{ controllers, own }];
  });
  const mount = path.join(root, "sys/fs/cgroup");
  // Inside a container its own group may be all that is mounted, under another name than the kernel tells.
  const find = (controller: string, file: string): string | undefined => {
    const place = places.find(({ controllers }) => controllers.split(",").includes(controller));
    if (place === undefined) return undefined;
    const folder = path.join(mount, place.controllers);
    const files = [path.join(folder, place.own, file), path.join(folder, file)];
    return files.find((one) => existsSync(one));
  };
  const usage = find("cpuacct", "cpuacct.usage");
  const quota = find("cpu", "cpu.cfs_quota_us");
  const period = find("cpu", "cpu.cfs_period_us");
  // The root of all groups is the whole machine: there alone an agent of release is named.
  const isRoot = usage !== undefined && existsSync(path.join(path.dirname(usage), "release_agent"));
  if (isRoot) return undefined;
  if (usage !== undefined && quota !== undefined && period !== undefined) {
    return { version: 1, usage, quota, period };
  }
  // The root has no type.
  const type = find("", "cgroup.type");
  const stat = find("", "cpu.stat");
  return type === undefined || stat === undefined
    ? undefined
    : { version: 2, usage: stat, quota: path.join(path.dirname(stat), "cpu.max") };
}

/** Of all processors together, since the group was made. */
function busyTime(accounts: Accounts): Duration | undefined {
  const text = readProc(accounts.usage);
  if (text === undefined) return undefined;
  const busy =
    accounts.version === 1
      ? Number(text) / 1e6
      : Number(/^usage_usec (\d+)$/m.exec(text)?.[1]) / 1e3;
  return Number.isFinite(busy) ? busy : undefined;
}

/** In processors. */
function limitOf(accounts: Accounts): number {
  const [quota = "", period = ""] =
    accounts.version === 1
      ? [readProc(accounts.quota), readProc(accounts.period)]
      : (readProc(accounts.quota) ?? "").trim().split(" ");
  const limit = Number(quota) / Number(period);
  return Number.isFinite(limit) && limit > 0 ? limit : 1;
}
