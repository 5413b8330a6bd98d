// Who is watched: workers made of containers, static entries and announcements, with what is unclear as findings.

import { limits } from "../../proto/limits.ts";
import { isName } from "../../proto/text.ts";
import { after, type Duration, type Instant, type WorkerId } from "../../proto/units.ts";
import { parseWorkerLabels } from "./labels.ts";
import { Departed } from "./departed.ts";
import {
  agentOf,
  containerNamed,
  hasWorkerLabel,
  isAgent,
  joined,
  namespaceOf,
  roleLabel,
  type NamedWorker,
} from "./mapping.ts";
import { outlivedOf } from "./migration/lineage.ts";
import { isSameSpec } from "./same-spec.ts";
import { isSwarmTask, Slots, workerIdOf } from "./swarm-task.ts";
import type { ContainerView, Finding, Probe, WorkerSettings, WorkerSpec } from "./worker.ts";

/** An entry of WORKERS: `name=host:port[@container]`. */
export interface StaticWorker {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly container: string | undefined;
}

export interface CensusConfig {
  readonly workerLabels: readonly string[];
  readonly statics: readonly StaticWorker[];
  readonly defaults: WorkerSettings;
  /** Where coordinators answer PING themselves. */
  readonly meshPort: number;
  /** By which a coordinator knows its own container: it does not ask itself, for its answer would prove nothing. */
  readonly hostname: string;
}

/** What an agent said of itself, and from where. */
export interface Sighting {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly at: Instant;
}

/** An announcement that no container answers to is forgotten after this long without a repeat. */
const sightingKept: Duration = 60_000;

export class Census {
  readonly #config: CensusConfig;
  readonly #isDead: (host: string) => boolean;
  readonly #containers = new Map<string, ReadonlyMap<string, ContainerView>>();
  readonly #sightings = new Map<string, Sighting>();
  readonly #departed = new Departed();
  readonly #slots = new Slots();
  /** Containers of Swarm's tasks beside which another one stands for their slot. */
  #outlived: readonly NamedWorker[] = [];
  #workers: ReadonlyMap<WorkerId, WorkerSpec> = new Map();
  #findings: readonly Finding[] = [];
  #byName = new Map<string, WorkerId>();
  /** Answers of `ownerOf` since the last change. */
  #owners = new Map<string, WorkerId | undefined>();
  #named: readonly NamedWorker[] = [];
  /** Workers with several agents: none of them is asked, whatever they announce. */
  readonly #ambiguous = new Set<WorkerId>();
  /** Whose address WORKERS gives, by the name there: a person's word goes before an announcement. */
  readonly #static = new Map<string, WorkerId>();

  /** @param isDead whether the host of that engine is dead */
  constructor(config: CensusConfig, now: Instant, isDead: (host: string) => boolean = () => false) {
    this.#config = config;
    this.#isDead = isDead;
    this.#rebuild(now);
  }

  get workers(): ReadonlyMap<WorkerId, WorkerSpec> {
    return this.#workers;
  }

  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /** The worker whose agent calls itself so; undefined where none or several do. */
  workerCalled(name: string): WorkerId | undefined {
    return this.#byName.get(name);
  }

  /**
   * The one worker that an agent of this name belongs to, announced or not; undefined where none or several do. A PONG by
   * another worker's agent proves nothing: engines give addresses to new containers.
   */
  ownerOf(name: string): WorkerId | undefined {
    if (this.#owners.has(name)) return this.#owners.get(name);
    const match = containerNamed(name, this.#named);
    const owner = match.kind === "one" ? workerIdOf(match.container) : this.#byName.get(name);
    this.#owners.set(name, owner);
    return owner;
  }

  /** What the container was, for a worker that is gone; undefined for all others. */
  lastSeen(id: WorkerId): ContainerView | undefined {
    return this.#departed.lastSeen(id);
  }

  /** Whether something of a gone worker's project was there all the time; a project that is down as a whole was taken down by a person. */
  hasProject(id: WorkerId): boolean {
    return this.#departed.hasProject(id);
  }

  container(host: string, id: string): ContainerView | undefined {
    return this.#containers.get(host)?.get(id);
  }

  /** Every container known, of all engines. */
  *containers(): Generator<ContainerView> {
    for (const views of this.#containers.values()) yield* views.values();
  }

  onSnapshot(host: string, views: readonly ContainerView[], now: Instant): void {
    const known = this.#containers.get(host);
    const next = new Map(views.map((view) => [view.id, keptView(known?.get(view.id), view)]));
    this.#containers.set(host, next);
    this.#rebuild(now);
  }

  onChanged(view: ContainerView, now: Instant): void {
    const views = new Map(this.#containers.get(view.host));
    views.set(view.id, view);
    this.#containers.set(view.host, views);
    this.#rebuild(now);
  }

  onGone(host: string, id: string, now: Instant): void {
    const views = new Map(this.#containers.get(host));
    if (!views.delete(id)) return;
    this.#containers.set(host, views);
    this.#rebuild(now);
  }

  /** True where it changed who is watched, or where. */
  onSighting(sighting: Sighting, now: Instant): boolean {
    const known = this.#sightings.get(sighting.name);
    const isNew = known?.address !== sighting.address || known.port !== sighting.port;
    if (known === undefined && this.#sightings.size >= limits.workers) return false;
    this.#sightings.set(sighting.name, sighting);
    if (isNew) this.#rebuild(now);
    return isNew;
  }

  /**
   * The worker that would be asked at another address than now if its agent were there. Who still answers has not moved:
   * that was said to another coordinator, and is repeated to us by somebody else.
   */
  movedBy(name: string, address: string, port: number): WorkerSpec | undefined {
    const spec = this.#workers.get(this.ownerOf(name) ?? "");
    const probe = spec?.probe;
    if (probe?.kind !== "agent" || (probe.address === address && probe.port === port)) {
      return undefined;
    }
    return spec;
  }

  onLeft(name: string, now: Instant): void {
    if (this.#sightings.delete(name)) this.#rebuild(now);
  }

  /** Forgets what is over; called now and then. */
  tidy(now: Instant): void {
    let changed = this.#departed.tidy(now) || this.#slots.isOver(now);
    for (const [name, sighting] of this.#sightings) {
      if (this.#byName.get(name)?.startsWith("unmapped/") === false) continue;
      if (after(sighting.at, sightingKept) > now) continue;
      this.#sightings.delete(name);
      changed = true;
    }
    if (changed) this.#rebuild(now);
  }

  #rebuild(now: Instant): void {
    const before = this.#workers;
    this.#ambiguous.clear();
    this.#static.clear();
    const findings: Finding[] = [];
    const workers = new Map<WorkerId, WorkerSpec>();
    // What was moved is a worker where it runs now.
    const outlived = outlivedOf(this.containers(), this.#isDead);
    const marked = [...this.containers()].filter(
      (view) => !outlived.has(view) && this.#isWorker(view),
    );
    const standing = this.#slots.standing(marked, before, now);
    const replaced: NamedWorker[] = [];
    const lists = new Map(
      [...this.#containers].map(([host, views]) => [host, [...views.values()]]),
    );
    for (const view of marked) {
      const all = lists.get(view.host) ?? [];
      if (!isSwarmTask(view) || standing.get(workerIdOf(view)) === view)
        this.#add(workers, this.#specOf(view, all, findings), findings);
      else replaced.push({ container: view, agent: undefined });
    }
    this.#outlived = replaced;
    this.#addStatics(workers, findings);
    this.#departed.keep(before, workers, this, now);
    this.#applySightings(workers, findings);
    for (const [id, spec] of workers) {
      const known = before.get(id);
      // The same object for the same worker, so that nobody looks twice at what has not changed.
      if (known !== undefined && isSameSpec(known, spec)) workers.set(id, known);
    }
    this.#workers = workers;
    this.#findings = findings;
    this.#owners.clear();
  }

  #add(workers: Map<WorkerId, WorkerSpec>, spec: WorkerSpec, findings: Finding[]): void {
    if (!isName(spec.id)) {
      const text = `${spec.id} is not watched: a worker's id (host/name) may have at most ${limits.nameBytes} bytes and no control characters. Shorten its name.`;
      findings.push({ subject: spec.id, code: "name-unfit", text });
      return;
    }
    if (workers.size >= limits.workers) {
      const text = `More than ${limits.workers} workers: ${spec.id} is not watched. Give it to another mesh.`;
      findings.push({ subject: spec.id, code: "too-many-workers", text });
      return;
    }
    workers.set(spec.id, spec);
  }

  #isWorker(view: ContainerView): boolean {
    // Never started, or on its way out: Compose is at work on it.
    if (isAgent(view) || view.state === "created" || view.state === "removing") return false;
    return roleOf(view) !== undefined || hasWorkerLabel(view, this.#config.workerLabels);
  }

  #specOf(view: ContainerView, all: readonly ContainerView[], findings: Finding[]): WorkerSpec {
    const role = roleOf(view);
    const id = workerIdOf(view);
    const labels = parseWorkerLabels(view.labels, this.#config.defaults);
    for (const { text } of labels.findings)
      findings.push({ subject: id, code: "label-invalid", text });
    const match = agentOf(view, all);
    if (match.kind === "several") {
      const names = match.agents.map((agent) => agent.name).join(", ");
      this.#ambiguous.add(id);
      const text = `${id} has several agents (${names}): none of them is asked. Leave one, or name its worker by the label heartmesh.worker.`;
      findings.push({ subject: id, code: "mapping-ambiguous", text });
    }
    const { owner, members } = namespaceOf(view, all);
    const agent = match.kind === "one" ? match.agent : undefined;
    const settings = withImagePeriod(labels.settings, view, this.#config.defaults);
    const address = this.#addressOf(owner, agent);
    const probe: Probe =
      labels.check !== undefined
        ? { kind: "check", check: labels.check }
        : match.kind === "several" || address === undefined || this.#isNeverAsked(view, role)
          ? { kind: "engine-only" }
          : { kind: "agent", address, port: this.#portOf(role, settings) };
    // In a namespace of its own, what joined it follows it; in another's, only that one's restart matters.
    const dependants =
      joined(view) === undefined ? members.filter((member) => member.id !== agent?.id) : [];
    return { id, role: role ?? "worker", container: view, agent, dependants, probe, settings };
  }

  /** A worker in its agent's namespace has that one's address; an agent that only names its worker has its own. */
  #addressOf(
    owner: ContainerView | undefined,
    agent: ContainerView | undefined,
  ): string | undefined {
    const home = agent === undefined || joined(agent) !== undefined ? owner : agent;
    return home?.addresses[0];
  }

  /** Parts that have no agent; and ourselves. */
  #isNeverAsked(view: ContainerView, role: WorkerSpec["role"] | undefined): boolean {
    const isSelf = role === "coordinator" && view.hostname === this.#config.hostname;
    return isSelf || role === "redis" || role === "haproxy";
  }

  #portOf(role: WorkerSpec["role"] | undefined, settings: WorkerSettings): number {
    if (role === "coordinator" && settings.port === this.#config.defaults.port) {
      return this.#config.meshPort;
    }
    return settings.port;
  }

  #addStatics(workers: Map<WorkerId, WorkerSpec>, findings: Finding[]): void {
    for (const entry of this.#config.statics) {
      const probe: Probe = { kind: "agent", address: entry.host, port: entry.port };
      const named = entry.container;
      const known = [...this.containers()].filter(
        (view) => named !== undefined && view.name === named,
      );
      const [container] = known;
      if (named !== undefined && known.length !== 1) {
        const code = known.length === 0 ? "mapping-missing" : "mapping-ambiguous";
        const text = `WORKERS names ${entry.name}@${named}, and ${known.length} containers are called so: it is watched, never acted on.`;
        findings.push({ subject: entry.name, code, text });
      }
      if (container !== undefined && known.length === 1) {
        const id = workerIdOf(container);
        const all = [...(this.#containers.get(container.host)?.values() ?? [])];
        const spec = workers.get(id) ?? this.#specOf(container, all, findings);
        this.#static.set(entry.name, id);
        this.#add(workers, { ...spec, probe }, findings);
      } else {
        const id = `static/${entry.name}`;
        this.#static.set(entry.name, id);
        this.#add(workers, this.#withoutContainer(id, probe), findings);
      }
    }
  }

  #withoutContainer(id: WorkerId, probe: Probe): WorkerSpec {
    const nothing = { container: undefined, agent: undefined, dependants: [] };
    return { id, role: "worker", ...nothing, probe, settings: this.#config.defaults };
  }

  /** The last authenticated announcement says where a worker's agent is; one that fits no container is shown, never acted on. */
  #applySightings(workers: Map<WorkerId, WorkerSpec>, findings: Finding[]): void {
    this.#byName = new Map();
    const named: NamedWorker[] = [];
    for (const { container, agent } of workers.values()) {
      if (container !== undefined) named.push({ container, agent });
    }
    this.#named = named;
    const gone = [...this.#departed.named(), ...this.#outlived];
    for (const sighting of this.#sightings.values()) {
      const { name, address, port } = sighting;
      const entry = this.#static.get(name);
      if (entry !== undefined) {
        this.#byName.set(name, entry);
        continue;
      }
      const match = containerNamed(name, named);
      if (match.kind === "one") {
        const id = workerIdOf(match.container);
        const spec = workers.get(id);
        if (spec === undefined) continue;
        this.#byName.set(name, id);
        const isFixed = [...this.#static.values()].includes(id);
        if (spec.probe.kind !== "check" && !this.#ambiguous.has(id) && !isFixed)
          workers.set(id, { ...spec, probe: { kind: "agent", address, port } });
        continue;
      }
      if (match.kind === "none" && containerNamed(name, gone).kind !== "none") continue;
      const code = match.kind === "none" ? "mapping-missing" : "mapping-ambiguous";
      const text =
        match.kind === "none"
          ? `An agent called ${name} at ${address}:${port} fits no labelled container: it is watched, never acted on. Label its worker, or set WORKER_NAME to its container's name.`
          : `An agent called ${name} fits several containers (${match.containers.map((view) => view.name).join(", ")}): it is watched, never acted on. Set its WORKER_NAME to one container's name.`;
      findings.push({ subject: name, code, text });
      const id = `unmapped/${name}`;
      this.#byName.set(name, id);
      const probe: Probe = { kind: "agent", address, port };
      this.#add(workers, this.#withoutContainer(id, probe), findings);
    }
  }
}

const keptView = (known: ContainerView | undefined, view: ContainerView): ContainerView =>
  known !== undefined && JSON.stringify(known) === JSON.stringify(view) ? known : view;

function roleOf(view: ContainerView): WorkerSpec["role"] | undefined {
  const role = view.labels[roleLabel];
  return role === "coordinator" || role === "redis" || role === "haproxy" ? role : undefined;
}

/** The image's start period holds where no label gave another (design: "default: the image's, else 30 s"). */
function withImagePeriod(
  settings: WorkerSettings,
  view: ContainerView,
  defaults: WorkerSettings,
): WorkerSettings {
  if (view.imageStartPeriod === 0 || settings.startPeriod !== defaults.startPeriod) return settings;
  return { ...settings, startPeriod: view.imageStartPeriod };
}
