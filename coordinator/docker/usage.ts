// What the containers of a Swarm's services use, asked of the engines of DOCKER_HOST: processors, memory, disk.

import { setTimeout as sleep } from "node:timers/promises";
import { isCodedError } from "../../proto/coded-error.ts";
import type { Duration } from "../../proto/units.ts";
import type { NodeUsage, Used } from "../core/swarm-statistics.ts";
import { mapBounded } from "./map-bounded.ts";
import type { VerbEngine } from "./swarm-verbs.ts";

/** Processors are measured over so long. */
const measuredFor: Duration = 1_000;
/** What was measured serves whoever asks within so long. */
const servesFor: Duration = 10_000;
/** An engine walks through its whole disk for this. */
const diskServesFor: Duration = 60_000;
/** An engine may need long where there are many layers. */
const diskPatience: Duration = 20_000;
const askedAtOnce = 8;

const serviceLabel = "com.docker.swarm.service.id";

interface RawStats {
  readonly read?: string;
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
}

interface RawContainer {
  readonly Id: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly SizeRw?: number;
}

interface RawDisk {
  readonly LayersSize?: number;
  readonly Containers?: readonly RawContainer[] | null;
  readonly Volumes?: readonly { readonly UsageData?: { readonly Size?: number } | null }[] | null;
}

interface Sample {
  /** ms */
  readonly at: number;
  /** ns, all of its processors together since its start */
  readonly spent: number;
  /** bytes, without what the kernel would give back at once */
  readonly memory: number;
}

interface Disk {
  readonly whole: number;
  readonly services: ReadonlyMap<string, number>;
}

export class UsageReader {
  readonly #engines: readonly VerbEngine[];
  readonly #now: () => number;
  #last: { readonly at: number; readonly answer: Promise<readonly NodeUsage[]> } | undefined;
  readonly #disks = new Map<VerbEngine, { readonly at: number; readonly disk: Disk | undefined }>();

  constructor(engines: readonly VerbEngine[], now: () => number = () => performance.now()) {
    this.#engines = engines;
    this.#now = now;
  }

  /** Never rejects; engines that do not answer, or may not be asked, are left out. Takes a second and more, and serves for 10. */
  read(): Promise<readonly NodeUsage[]> {
    const now = this.#now();
    if (this.#last === undefined || now - this.#last.at >= servesFor) {
      this.#last = { at: now, answer: this.#readAll() };
    }
    return this.#last.answer;
  }

  async #readAll(): Promise<readonly NodeUsage[]> {
    const all = await Promise.all(
      this.#engines.map((engine) => orNothing(() => this.#readOne(engine))),
    );
    return all.flatMap((one) => one ?? []);
  }

  async #readOne(engine: VerbEngine): Promise<NodeUsage> {
    const [told, containers, disk] = await Promise.all([
      engine.call({ what: "info", path: "/info" }),
      containersOf(engine),
      this.#disk(engine),
    ]);
    const { NodeID = "" } = (told as { readonly Swarm?: { readonly NodeID?: string } }).Swarm ?? {};
    const before = await samplesOf(engine, containers);
    await sleep(measuredFor);
    const after = await samplesOf(engine, containers);
    const services = new Map<string, Used>();
    for (const { Id, Labels } of containers) {
      const [first, last] = [before.get(Id), after.get(Id)];
      const service = Labels?.[serviceLabel] ?? "";
      if (last === undefined) continue;
      const span = first === undefined ? 0 : last.at - first.at;
      const spent = first === undefined ? 0 : (last.spent - first.spent) / 1e6;
      const known = services.get(service) ?? { processors: 0, memory: 0, disk: null };
      services.set(service, {
        processors: known.processors + (span > 0 ? spent / span : 0),
        memory: known.memory + last.memory,
        disk: disk?.services.get(service) ?? null,
      });
    }
    return { node: NodeID, disk: disk?.whole ?? null, services };
  }

  async #disk(engine: VerbEngine): Promise<Disk | undefined> {
    const known = this.#disks.get(engine);
    if (known !== undefined && this.#now() - known.at < diskServesFor) return known.disk;
    const at = this.#now();
    const disk = await orNothing(async () => {
      const call = { what: "disk usage", path: "/system/df", timeout: diskPatience };
      return diskOf((await engine.call(call)) as RawDisk);
    });
    this.#disks.set(engine, { at, disk });
    return disk;
  }
}

function diskOf({ LayersSize = 0, Containers, Volumes }: RawDisk): Disk {
  const services = new Map<string, number>();
  let whole = LayersSize;
  for (const { Labels, SizeRw = 0 } of Containers ?? []) {
    whole += SizeRw;
    const service = Labels?.[serviceLabel];
    if (service !== undefined) services.set(service, (services.get(service) ?? 0) + SizeRw);
  }
  for (const { UsageData } of Volumes ?? []) whole += Math.max(0, UsageData?.Size ?? 0);
  return { whole, services };
}

async function containersOf(engine: VerbEngine): Promise<readonly RawContainer[]> {
  const query = { filters: JSON.stringify({ label: [serviceLabel], status: ["running"] }) };
  const told = await engine.call({ what: "list", path: "/containers/json", query });
  return told as readonly RawContainer[];
}

async function samplesOf(
  engine: VerbEngine,
  containers: readonly RawContainer[],
): Promise<ReadonlyMap<string, Sample>> {
  const query = { stream: false, "one-shot": true };
  const samples = await mapBounded(containers, askedAtOnce, async ({ Id }) => {
    const call = { what: "stats", path: `/containers/${Id}/stats`, query };
    const told = await orNothing(() => engine.call(call));
    return [Id, told === undefined ? undefined : sampleOf(told as RawStats)] as const;
  });
  return new Map(samples.flatMap(([id, one]) => (one === undefined ? [] : [[id, one] as const])));
}

function sampleOf({ read = "", cpu_stats, memory_stats }: RawStats): Sample {
  const { usage = 0, stats = {} } = memory_stats ?? {};
  const cache = stats["inactive_file"] ?? stats["total_inactive_file"] ?? 0;
  return {
    at: Date.parse(read),
    spent: cpu_stats?.cpu_usage?.total_usage ?? 0,
    memory: Math.max(0, usage - cache),
  };
}

async function orNothing<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isCodedError(error)) return undefined;
    throw error;
  }
}
