// A small language for one run: commands, and behind each what follows from it. The whole transcript is the expectation.

import type { SimCluster, SimCoordinator, SimWorker } from "./cluster.ts";
import type { Laws } from "./laws.ts";
import type { Arrangement, SimOptions } from "./options.ts";
import { buildStage } from "./stage.ts";
import type { World } from "./world.ts";

/** Commands are lines that begin with a letter; `#` begins a remark; what a run says is indented. */
const isCommand = (line: string): boolean => /^[a-z]/.test(line);

/** The same text with what its commands lead to now. */
export function playScenario(text: string): string {
  const lines = text.split("\n").filter((line) => !line.startsWith(" "));
  const scene = new Play(optionsFrom(lines));
  const told = lines.flatMap((line) => (isCommand(line) ? [line, ...scene.play(line)] : [line]));
  return told.join("\n");
}

function optionsFrom(lines: readonly string[]): SimOptions {
  const words = lines
    .filter((line) => line.startsWith("options "))
    .flatMap((line) => line.split(" ").slice(1));
  const given = new Map(
    words.map((word): [string, string] => [word.split("=")[0] ?? "", word.split("=")[1] ?? ""]),
  );
  const number = (name: string, usual: number): number => Number(given.get(name) ?? usual);
  const env = Object.fromEntries([...given].filter(([name]) => /^[A-Z_]+$/.test(name)));
  return {
    seed: number("seed", 1),
    mood: "any",
    coordinators: number("coordinators", 3),
    newcomers: number("newcomers", 0),
    workers: number("workers", 1),
    hosts: number("hosts", 1),
    seconds: 0,
    weather: { loss: number("loss", 0) / 100, repeated: 0, tail: 0, delay: 0.5, bursts: 0 },
    drift: number("drift", 0) / 100,
    // Only what is remembered of Redis depends on it.
    faults: ["redis-roll-back"],
    faultEvery: 1,
    arrangements: [(given.get("arrangement") ?? "inside") as Arrangement],
    restartPolicies: given.has("policies"),
    obituaries: given.has("obituaries"),
    env,
  };
}

const told: ReadonlySet<string> = new Set([
  ...[
    "held",
    "left-alone",
    "recovery-enqueued",
    "recovery-adopted",
    "try-started",
    "acted",
    "verified",
  ],
  ...["try-failed", "recovered", "exhausted", "superseded", "quarantined", "quarantine-ended"],
  ...["brake-tripped", "brake-released", "quorum-lost", "quorum-back", "redis-lost", "redis-back"],
  ...[
    "coordinators-changed",
    "engine-lost",
    "engine-back",
    "abstained",
    "abstention-ended",
    "disk-failed",
    "stopping",
  ],
]);

class Play {
  readonly #world: World;
  readonly #cluster: SimCluster;
  readonly #laws: Laws;
  readonly #said: string[] = [];
  /** What `leader` and `follower` meant when they were last used, as `former`. */
  #former = "";

  constructor(options: SimOptions) {
    const { world, cluster, laws } = buildStage(options);
    this.#world = world;
    this.#cluster = cluster;
    this.#laws = laws;
    world.onLine = (line) => {
      const shown = shownOf(line);
      if (shown !== undefined)
        this.#said.push(`  ${(this.#world.now / 1000).toFixed(1).padStart(5)} ${shown}`);
    };
  }

  play(line: string): readonly string[] {
    this.#said.length = 0;
    const [verb = "", ...words] = line.split(" ");
    if (verb === "run") this.#world.runUntil(this.#world.now + msOf(words[0]));
    else if (verb !== "options") this.#do(verb, words);
    return [...this.#said];
  }

  #do(verb: string, words: readonly string[]): void {
    const [whom = "", what = ""] = words;
    const { network } = this.#cluster;
    if (verb === "redis") this.#onRedis(whom, what);
    else if (verb === "engine") this.#onEngine(whom, what, msOf(words[2]));
    else if (verb === "loss") network.weather.loss = Number(whom) / 100;
    else if (verb === "cut" || verb === "cut-one-way" || verb === "mend") {
      const change = verb === "mend" ? network.heal.bind(network) : network.cut.bind(network);
      const [from, to] = [this.#nameOf(whom), this.#nameOf(what)];
      change(from, to);
      if (verb !== "cut-one-way") change(to, from);
    } else if (verb.startsWith("worker-") || verb.startsWith("agent-"))
      this.#onWorker(verb, whom, what);
    else this.#onCoordinator(verb, this.#coordinator(whom), what);
  }

  #onCoordinator(verb: string, one: SimCoordinator, what: string): void {
    const { process } = one;
    switch (verb) {
      case "kill":
        process?.kill();
        return;
      case "kill-after":
        process?.killAfter(Number(what));
        return;
      case "start":
        this.#cluster.startCoordinator(one);
        return;
      case "change":
        this.#laws.changeCoordinators(one.id);
        return;
      case "term":
        this.#cluster.stopCoordinator(one);
        return;
      case "freeze":
        process?.freeze(msOf(what));
        return;
      case "sleep":
        process?.sleep(msOf(what));
        return;
      case "stall":
        process?.loops[1]?.block(msOf(what));
        return;
      case "disk":
        if (what === "lost") {
          one.disk.ballot = undefined;
          this.#laws.onDiskLost(one.id);
        } else one.disk.state = what as "fine" | "failing" | "slow";
        return;
      default:
        throw new Error(`no such command: ${verb}`);
    }
  }

  #onWorker(verb: string, name: string, what: string): void {
    const worker = this.#worker(name);
    const { container, agent, engine } = worker;
    switch (verb) {
      case "worker-crash":
        engine.end(container, 139);
        return;
      case "worker-hang":
        container.isHung = true;
        return;
      case "worker-stop":
        this.#cluster.stopWorker(worker);
        return;
      case "worker-lives-for":
        worker.livesFor = what === "ever" ? undefined : msOf(what);
        return;
      case "worker-pause":
        this.#cluster.pauseWorker(worker);
        return;
      case "worker-unpause":
        this.#cluster.unpauseWorker(worker);
        return;
      case "agent-kill":
        if (agent !== undefined) engine.end(agent, 137);
        return;
      case "agent-freeze":
        if (agent !== undefined) this.#cluster.agents.get(agent)?.freeze(msOf(what));
        return;
      default:
        throw new Error(`no such command: ${verb}`);
    }
  }

  #onRedis(verb: string, what: string): void {
    const { redis } = this.#cluster;
    if (verb === "kill") redis.kill();
    else if (verb === "start") {
      redis.start(what === "" ? 0 : msOf(what));
      if (what !== "") this.#laws.onRedisForgot();
    } else if (verb === "hang") redis.hang(msOf(what));
    else throw new Error(`no such command: redis ${verb}`);
  }

  #onEngine(host: string, verb: string, ms: number): void {
    const engine = this.#cluster.engines.get(host);
    if (engine === undefined) throw new Error(`no such engine: ${host}`);
    if (verb === "restart") engine.restart(ms);
    else if (verb === "hang") engine.hungUntil = this.#world.now + ms;
    else if (verb === "slow") engine.slowness = ms > 0 ? 6 : 1;
    else if (verb === "answers-lost") engine.lostAnswers = ms > 0 ? 1 : 0;
    else throw new Error(`no such command: engine ${host} ${verb}`);
  }

  #coordinator(name: string): SimCoordinator {
    const id = this.#nameOf(name);
    const found = this.#cluster.coordinators.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no such coordinator: ${name}`);
    return found;
  }

  #worker(name: string): SimWorker {
    const found = this.#cluster.workers.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no such worker: ${name}`);
    return found;
  }

  /** `leader`, the one that holds a lease; `follower` and `other`, the first and the second of the rest; `former`, what was last meant by one of these. */
  #nameOf(name: string): string {
    if (name === "former") return this.#former;
    const leader = this.#laws.leaseHolder;
    const rest = this.#cluster.coordinators.map(({ id }) => id).filter((id) => id !== leader);
    const meant = { leader, follower: rest[0], other: rest[1] }[name];
    if (meant === undefined) return name;
    if (name === "leader") this.#former = meant;
    return meant;
  }
}

/** `3s`, `300ms`; nothing: 0. */
function msOf(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  return text.endsWith("ms") ? Number(text.slice(0, -2)) : Number(text.slice(0, -1)) * 1000;
}

/** Without what differs from run to run, and without what is no news here. */
function shownOf(line: string): string | undefined {
  if (line.includes('{"')) return undefined;
  const said = / says ([a-z-]+) /.exec(line)?.[1];
  const isKept =
    said === undefined
      ? / holds a lease| → |VIOLATION|^engine .* (start|die)/.test(line) && !/POST wait/.test(line)
      : told.has(said);
  if (!isKept) return undefined;
  return line
    .replaceAll(/\.[0-9a-f]{16}\b/g, "")
    .replaceAll(/container h\d-\d+ runs since \S+/g, "it runs again")
    .replaceAll(/at \d{4}-\d\d-\d\dT\S+/g, "again")
    .replace(/ \{.*\}$/, "")
    .trimEnd();
}
