// A host of a real Swarm is cut off, or drained → its verdict, and its services running elsewhere; beside what Swarm does alone.

import { startSwarm, type SwarmLab } from "../lab/swarm.ts";
import { SwarmTrio } from "../lab/swarm-trio.ts";
import { primary, secondary, startMoving, tied, type Moving } from "../lab/moving.ts";
import { pause, until } from "../waiting.ts";
import { statisticsOf, summarize, type BenchResult } from "./report.ts";
import { tried } from "./tried.ts";

const others = ["h1", "h2", "h3", secondary];
const replicas = 4;
const twenty = Array.from({ length: 20 }, (_, at) => `s${at}`);

export async function benchMigrate({ short }: { readonly short: boolean }): Promise<BenchResult[]> {
  const verdicts = await benchVerdicts(short ? 2 : 9);
  return [...verdicts, ...(await benchMoves(short))];
}

async function benchVerdicts(n: number): Promise<BenchResult[]> {
  const lab = await startSwarm({ managers: 3 });
  try {
    const trio = await SwarmTrio.start(lab);
    try {
      return await hostVerdict(lab, trio, n);
    } finally {
      await trio.stop();
    }
  } finally {
    await lab.stop();
  }
}

/** Every third cut takes the leader's own host, and with it the leader. */
async function hostVerdict(lab: SwarmLab, trio: SwarmTrio, n: number): Promise<BenchResult[]> {
  const following: number[] = [];
  const leading: number[] = [];
  for (let at = 0; at < n; at++) {
    await tried("host-verdict", async () => {
      const leader = await trio.leader();
      const isLeaders = at % 3 === 1;
      const host = isLeaders ? leader : leader === "h3" ? "h2" : "h3";
      const took = await trio.cutUntilDead(lab, host, "both");
      (isLeaders ? leading : following).push(took);
      // Cuts at a fixed distance would all meet the same phase of the questions.
      await pause(2_000 + 300 * at);
    });
  }
  return [
    summarize("host-verdict", [...following, ...leading], "ms", { atMost: 2_500 }),
    summarize("host-verdict-leader", leading, "ms"),
  ];
}

/** The host that falls out is no manager: Swarm's own search for a leader is not heartmesh's to measure. */
async function benchMoves(short: boolean): Promise<BenchResult[]> {
  // What was moved goes back by itself, at once, for the next trial.
  const env = { FAILBACK: "auto", FAILBACK_AFTER: "0", MAX_REVIVALS: "12", REVIVAL_WINDOW: "1" };
  const moving = await startMoving(env);
  try {
    await moving.lab.createService("pinned", [...tied, "--replicas", "2"]);
    // Of five hosts four get one of `free`: those with the fewest tasks, and the primary has two.
    for (const at of [1, 2, 3]) {
      const words = ["--mode", "global", "--constraint", "node.labels.type!=primary"];
      await moving.lab.createService(`filler${at}`, words);
      await moving.lab.untilRunning(`filler${at}`, others.length);
    }
    await moving.lab.untilRunning("pinned", 2);
    const n = short ? 1 : 5;
    const { unpinned, pinned } = await cutOff(moving, n);
    const drained = await drain(moving, n);
    const all = await twentyServices(moving, short ? 1 : 5);
    const shortCuts = await cutForAMoment(moving, short ? 3 : 20);
    const fenced = await cutFenced(moving, short ? 1 : 20);
    await moving.trio.stop();
    const alone = await swarmAlone(moving, short ? 1 : 5);
    const ratio = statisticsOf(unpinned).median / statisticsOf(alone).median;
    return [
      summarize("unpinned", unpinned, "ms", { atMost: 4_500 }),
      summarize("unpinned-swarm-alone", alone, "ms"),
      summarize("unpinned-ratio", alone.length === 0 ? [] : [ratio], "", { atMost: 0.3 }),
      summarize("pinned", pinned, "ms", { atMost: 4_500 }),
      summarize("drain", drained, "ms", { atMost: 3_000 }),
      summarize("twenty-services", all, "ms", { atMost: 10_000 }),
      summarize("fence-overlap", fenced.overlaps, "ms", { atMost: 0, of: "max" }),
      summarize("fenced", fenced.took, "ms", { atMost: 12_000 }),
      summarize("short-cut-moves", [shortCuts], "", { atMost: 0, of: "max" }),
    ];
  } finally {
    await moving.stop();
  }
}

async function cutOff(
  moving: Moving,
  n: number,
): Promise<{ readonly unpinned: number[]; readonly pinned: number[] }> {
  const unpinned: number[] = [];
  const pinned: number[] = [];
  for (let at = 0; at < n; at++) {
    await tried("unpinned and pinned", async () => {
      await spreadOut(moving);
      await pause(1_000 + 300 * at);
      const begun = performance.now();
      await moving.lab.cut(primary);
      const free = moving.untilOn(others, "free", replicas).then(() => performance.now() - begun);
      await moving.untilOn([secondary], "pinned", 2);
      pinned.push(performance.now() - begun);
      unpinned.push(await free);
    }).finally(() => back(moving));
  }
  return { unpinned, pinned };
}

async function drain(moving: Moving, n: number): Promise<number[]> {
  const took: number[] = [];
  const set = (to: string): Promise<string> =>
    moving.lab.docker("node", "update", "--availability", to, primary);
  for (let at = 0; at < n; at++) {
    await tried("drain", async () => {
      await pause(1_000 + 300 * at);
      const begun = performance.now();
      await set("drain");
      await moving.untilOn([secondary], "pinned", 2);
      took.push(performance.now() - begun);
    }).finally(async () => {
      await set("active");
      await back(moving);
    });
  }
  return took;
}

async function twentyServices(moving: Moving, n: number): Promise<number[]> {
  const { lab } = moving;
  const took: number[] = [];
  for (const name of twenty) await lab.createService(name, tied);
  for (const name of twenty) await lab.untilRunning(name, 1);
  for (let at = 0; at < n; at++) {
    await tried("twenty-services", async () => {
      await pause(1_000 + 300 * at);
      const begun = performance.now();
      await lab.cut(primary);
      await until("all run elsewhere", () => runAll(moving, secondary), 60_000, 100);
      took.push(performance.now() - begun);
    }).finally(async () => {
      await lab.heal(primary);
      await until("all are back", () => runAll(moving, primary), 120_000, 500);
      // What is still ending there would count as moved at once.
      const isLeft = async (): Promise<boolean> => {
        const running = await lab.containersOn(secondary);
        return running.some(({ service }) => twenty.includes(service));
      };
      await until("all have left", async () => !(await isLeft()) || undefined, 60_000, 200);
    });
  }
  await lab.docker("service", "rm", ...twenty);
  return took;
}

/** Less than TIMEOUT × MAX_FAILED_ATTEMPTS; how many services were moved. */
async function cutForAMoment({ lab, told }: Moving, times: number): Promise<number> {
  const since = Date.now();
  for (let at = 0; at < times; at++) {
    await lab.cut(primary);
    await pause(1_200);
    await lab.heal(primary);
    await pause(1_500 + 50 * at);
  }
  const events = [...(await told("pinned", since)), ...(await told("free", since))];
  // What goes back from the trial before is none.
  const begun = events.filter(({ kind }) => kind === "recovery-enqueued");
  return begun.filter(({ text }) => text.startsWith("stranded")).length;
}

/**
 * A service that must never run twice, its host cut both ways, in one direction, in the other, and while all coordinators are restarted.
 * Overlap: from the start of the new container to the end of the old one, by the engines' own records.
 */
async function cutFenced(
  moving: Moving,
  n: number,
): Promise<{ readonly overlaps: number[]; readonly took: number[] }> {
  const { lab, trio } = moving;
  const overlaps: number[] = [];
  const took: number[] = [];
  await lab.createService("fenced", [...tied, "--container-label", "heartmesh.fence=true"]);
  await lab.untilRunning("fenced", 1);
  for (let at = 0; at < n; at++) {
    const way = (["both", "out", "in", "both"] as const)[at % 4] ?? "both";
    await tried("fenced", async () => {
      await untilGranted(moving);
      await pause(1_000 + 300 * (at % 10));
      const [old] = await lab.containers(primary, "fenced");
      if (old === undefined) throw new Error("it does not run on the primary");
      const begun = performance.now();
      await lab.cut(primary, way);
      if (at % 4 === 3) {
        await trio.stopCoordinators("SIGKILL");
        await trio.startCoordinators();
      }
      // A host that is heard is not dead; and coordinators that never heard its agent leave the move to a person.
      const isMoved = at % 4 < 2;
      if (isMoved) {
        await moving.untilOn([secondary], "fenced", 1);
        took.push(performance.now() - begun);
      } else await pause(15_000);
      overlaps.push(await overlapOf(moving, old.id));
    }).finally(async () => {
      await lab.heal(primary);
      await lab.untilNode(primary, "ready");
      await moving.untilOn([primary], "fenced", 1, 90_000);
      await moving.untilOn([secondary], "fenced", 0);
    });
  }
  await lab.docker("service", "rm", "fenced");
  return { overlaps, took };
}

const untilGranted = ({ trio }: Moving): Promise<unknown> =>
  until("the primary's agent is granted", async () => {
    const { fence } = await trio.host(primary, await trio.leader());
    return (fence?.able === true && fence.state === "held" && fence.granted) || undefined;
  });

/** Of the old container with whatever else of the service has run since, ms. */
async function overlapOf({ lab }: Moving, old: string): Promise<number> {
  const instant = async (host: string, id: string, field: string): Promise<number> => {
    const words = ["inspect", "--format", `{{.State.${field}}}`, id];
    return Date.parse((await lab.host(host).engine.docker(...words)).stdout.trim());
  };
  const all = await Promise.all(
    others.map(async (host) =>
      (await lab.containers(host, "fenced")).map(({ id }) => ({ host, id })),
    ),
  );
  const starts = await Promise.all(
    all.flat().map(({ host, id }) => instant(host, id, "StartedAt")),
  );
  if (starts.length === 0) return 0;
  const running = (await lab.containers(primary, "fenced")).some(({ id }) => id === old);
  const ended = running ? Date.now() : await instant(primary, old, "FinishedAt");
  return Math.max(0, ended - Math.min(...starts));
}

/** Without heartmesh: Swarm itself notices that the host is down. */
async function swarmAlone(moving: Moving, n: number): Promise<number[]> {
  const took: number[] = [];
  for (let at = 0; at < n; at++) {
    await tried("unpinned-swarm-alone", async () => {
      await spreadOut(moving);
      await pause(1_000);
      const begun = performance.now();
      await moving.lab.cut(primary);
      await moving.untilOn(others, "free", replicas, 60_000);
      took.push(performance.now() - begun);
    }).finally(async () => {
      await moving.lab.heal(primary);
      await moving.lab.untilNode(primary, "ready");
    });
  }
  return took;
}

/** `free` made anew, since Swarm leaves it where it is when the host is back. */
async function spreadOut({ lab, count }: Moving): Promise<void> {
  await lab.docker("service", "rm", "free").catch(() => "");
  await lab.createService("free", ["--replicas", String(replicas)]);
  await lab.untilRunning("free", replicas);
  if ((await count("free", [primary])) === 0) throw new Error("nothing of it is on the primary");
}

async function back(moving: Moving): Promise<void> {
  await moving.lab.heal(primary);
  await moving.lab.untilNode(primary, "ready");
  await moving.untilOn([primary], "pinned", 2, 90_000);
  await moving.untilOn([secondary], "pinned", 0);
}

async function runAll({ lab }: Moving, on: string): Promise<true | undefined> {
  const running = await lab.containersOn(on);
  return twenty.every((name) => running.some(({ service }) => service === name)) || undefined;
}
