// What tests on real parts need of the machine: which programs, in which Debian package, and how they get there.

import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** What a test can ask for; `bench` is needed by benchmarks alone. */
export type Part =
  | "root"
  | "engine"
  | "redis"
  | "haproxy"
  | "compose"
  | "netcat"
  | "avahi"
  | "browser"
  | "prometheus"
  | "bench";

interface Program {
  /** For a person: what it is. */
  readonly name: string;
  readonly isPresent: () => boolean;
  /** Debian packages that bring it; the first that this release knows is taken, since names differ between releases. */
  readonly packages: readonly string[];
}

const inPath = (program: string): boolean => findProgram(program) !== undefined;

const programs: Readonly<Record<Exclude<Part, "root">, readonly Program[]>> = {
  engine: [
    { name: "dockerd", isPresent: () => inPath("dockerd"), packages: ["docker.io"] },
    { name: "docker", isPresent: () => inPath("docker"), packages: ["docker-cli", "docker.io"] },
    { name: "ip", isPresent: () => inPath("ip"), packages: ["iproute2"] },
    { name: "iptables", isPresent: () => inPath("iptables"), packages: ["iptables"] },
    {
      name: "busybox (static)",
      isPresent: () => isStatic(findProgram("busybox")),
      packages: ["busybox-static"],
    },
  ],
  redis: [
    { name: "redis-server", isPresent: () => inPath("redis-server"), packages: ["redis-server"] },
  ],
  haproxy: [{ name: "haproxy", isPresent: () => inPath("haproxy"), packages: ["haproxy"] }],
  compose: [
    {
      name: "docker-compose or docker compose",
      isPresent: () => inPath("docker-compose") || hasComposePlugin(),
      packages: ["docker-compose"],
    },
  ],
  avahi: [
    { name: "avahi-daemon", isPresent: () => inPath("avahi-daemon"), packages: ["avahi-daemon"] },
  ],
  browser: [{ name: "chromium", isPresent: () => inPath("chromium"), packages: ["chromium"] }],
  prometheus: [
    { name: "prometheus", isPresent: () => inPath("prometheus"), packages: ["prometheus"] },
    { name: "promtool", isPresent: () => inPath("promtool"), packages: ["prometheus"] },
  ],
  netcat: [{ name: "nc", isPresent: () => inPath("nc"), packages: ["netcat-openbsd"] }],
  bench: [
    { name: "etcd", isPresent: () => inPath("etcd"), packages: ["etcd-server", "etcd"] },
    { name: "serf", isPresent: () => inPath("serf"), packages: ["serf"] },
  ],
};

const isRoot = (): boolean => process.getuid?.() === 0;

/**
 * Installs what is missing of these parts by apt-get, as root on Debian; elsewhere it says what is missing.
 * Starts no service and touches none that runs. Returns the names of what is still missing; never throws for that.
 */
export function ensureInstalled(
  parts: readonly Exclude<Part, "root">[] = [
    "engine",
    "redis",
    "haproxy",
    "compose",
    "netcat",
    "avahi",
    "browser",
    "prometheus",
  ],
  say: (line: string) => void = console.error,
): readonly string[] {
  const missing = missingOf(parts);
  if (missing.length === 0) return [];
  const names = missing.map((program) => program.name).join(", ");
  if (!isRoot() || !inPath("apt-get")) {
    say(`Missing for the tests on real parts: ${names}.`);
    say(`Install them (on Debian, as root): apt-get install ${lastPackages(missing).join(" ")}`);
    return missing.map((program) => program.name);
  }
  say(`Installing what is missing: ${names}`);
  install(missing, say);
  const still = missingOf(parts).map((program) => program.name);
  if (still.length > 0) say(`Still missing after apt-get: ${still.join(", ")}`);
  return still;
}

/** False when everything is there; otherwise why a test is skipped, for node:test's `skip`. Throws instead where `CI=true`, so that nothing is skipped unseen. */
export function needs(...parts: readonly Part[]): string | false {
  const reasons = missingOf(parts.filter((part) => part !== "root")).map(
    (program) => `${program.name} (Debian package ${program.packages[0] ?? ""})`,
  );
  if (parts.some((part) => part === "root" || part === "engine") && !isRoot()) {
    reasons.unshift("root");
  }
  if (reasons.length === 0) return false;
  const reason = `needs ${reasons.join(", ")}`;
  if (process.env.CI === "true") {
    throw new Error(`This test ${reason}; under CI=true nothing is skipped.`);
  }
  return reason;
}

/** For node:test's `skip`: why a long test waits for `npm run soak`; false there. */
export const soakAlone: string | false =
  process.env.SOAK === "true" ? false : "it is long: npm run soak runs it";

/** The same, for a whole file that waits for `npm run soak`. */
export const soakNeeds = (...parts: readonly Part[]): string | false =>
  soakAlone === false ? needs(...parts) : soakAlone;

function missingOf(parts: readonly Exclude<Part, "root">[]): readonly Program[] {
  return parts.flatMap((part) => programs[part]).filter((program) => !program.isPresent());
}

function findProgram(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    if (folder === "") continue;
    const file = path.join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

function isStatic(file: string | undefined): boolean {
  if (file === undefined) return false;
  const listed = spawnSync("ldd", [file], { encoding: "utf8" });
  return /not a dynamic executable|statically linked/.test(listed.stdout + listed.stderr);
}

function hasComposePlugin(): boolean {
  return inPath("docker") && spawnSync("docker", ["compose", "version"]).status === 0;
}

const lastPackages = (missing: readonly Program[]): readonly string[] => [
  ...new Set(missing.map((program) => program.packages.at(-1) ?? "")),
];

const policyFile = "/usr/sbin/policy-rc.d";

function install(missing: readonly Program[], say: (line: string) => void): void {
  // Debian's packages start their service unless this file says no (101). One that exists is somebody's decision.
  const policyIsOurs = !existsSync(policyFile);
  if (policyIsOurs) writeFileSync(policyFile, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    apt(["update"], say);
    const packages = [...new Set(missing.map((program) => knownPackage(program.packages)))];
    // One by one only where all together fail, so that one unknown name does not keep the others away.
    if (!apt(["install", "-y", "--no-install-recommends", ...packages], say)) {
      for (const name of packages) apt(["install", "-y", "--no-install-recommends", name], say);
    }
  } finally {
    if (policyIsOurs) rmSync(policyFile, { force: true });
  }
}

function apt(words: readonly string[], say: (line: string) => void): boolean {
  const ran = spawnSync("apt-get", ["-q", ...words], {
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
  });
  if (ran.status === 0) return true;
  say(`apt-get ${words.join(" ")} failed:\n${(ran.stdout + ran.stderr).trimEnd()}`);
  return false;
}

/** The first of these packages that can be installed here. */
function knownPackage(names: readonly string[]): string {
  for (const name of names) {
    const policy = spawnSync("apt-cache", ["policy", name], { encoding: "utf8" });
    if (/Candidate: (?!\(none\))/.test(policy.stdout)) return name;
  }
  return names.at(-1) ?? "";
}
