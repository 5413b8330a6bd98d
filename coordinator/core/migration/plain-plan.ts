// What happens to the containers of an engine without a Swarm when its host dies: by the labels, strategies and room that hold for services.

import type { HostSummary } from "../hosts/host.ts";
import type { ContainerView } from "../worker.ts";
import { measureOf } from "./choice.ts";
import { Ground, type Room } from "./ground.ts";
import { isYounger, lineagesOf, type Lineage } from "./lineage.ts";
import { measured } from "./measured.ts";
import {
  parseMoveLabels,
  type MoveLabels,
  type ServiceFinding,
  type Strategy,
} from "./service-labels.ts";
import {
  byName,
  compare,
  type SwarmHost,
  type SwarmService,
  type SwarmTask,
  type SwarmView,
} from "./swarm-view.ts";
import { localDataOf, sourcesOf, type LocalData } from "./volumes.ts";
import { fenceWarning, portWarning, type Warning } from "./warnings.ts";

/** What is known of the engines and of the containers that may move, as one coordinator sees it. */
export interface PlainPicture {
  /** Those that have `belongings` count; of an engine that does not answer as they were. */
  readonly containers: Iterable<ContainerView>;
  readonly engines: readonly { readonly host: string; readonly reachable: boolean }[];
  readonly hosts: readonly HostSummary[];
}

export interface PlainPlan {
  readonly container: ContainerView;
  readonly action: "move" | "stay";
  /** Why this and nothing else, in one sentence. */
  readonly reason: string;
  readonly labels: MoveLabels;
  /** Hosts that may have it, the best first; none where it stays. */
  readonly targets: readonly string[];
  readonly unfit: readonly { readonly host: string; readonly reason: string }[];
  readonly strategy: { readonly used: Strategy; readonly because: string };
  readonly warnings: readonly Warning[];
  readonly findings: readonly ServiceFinding[];
}

/** Whether the host of that engine is dead, by its name. */
export const deadBy =
  ({ hosts }: Pick<PlainPicture, "hosts">): ((host: string) => boolean) =>
  (host) =>
    hosts.some(({ id, verdict }) => id === host && verdict === "dead");

/** Of those that are on that engine and count there, by name. */
export function planPlain(picture: PlainPicture, host: string): readonly PlainPlan[] {
  const lineages = lineagesOf(picture.containers, deadBy(picture));
  return plansOf(
    picture,
    lineages.filter(({ head }) => head.host === host),
  );
}

/** Each finds the room that those before it leave. */
export function plansOf(picture: PlainPicture, lineages: readonly Lineage[]): readonly PlainPlan[] {
  const all = [...picture.containers];
  const view = measured(viewOf(all, picture), picture.hosts);
  const ground = new Ground(view);
  return lineages
    .toSorted((a, b) => compare(a.head.name, b.head.name) || compare(a.head.id, b.head.id))
    .map((lineage) => planOf(lineage, all, ground));
}

function planOf(
  { head, others: kin }: Lineage,
  all: readonly ContainerView[],
  ground: Ground,
): PlainPlan {
  const service = serviceOf(head);
  const labels = parseMoveLabels(service);
  const data = localDataOf(service);
  const plan = { container: head, labels, findings: labels.findings };
  const open = { used: "spread" as Strategy, because: "" };
  const stay = (reason: string, unfit: PlainPlan["unfit"]): PlainPlan => ({
    ...plan,
    ...{ action: "stay", reason, targets: [], unfit, strategy: open, warnings: [] },
  });
  const held = heldBecause(head, labels, data);
  if (held !== undefined) return stay(held, []);
  const rooms = ground.roomsFor(service, []).map((room) => withName(room, head, all, kin));
  const others = rooms.filter((room) => room.host.id !== head.host);
  const unfit = others
    .filter(({ count }) => count === 0)
    .map((room) => ({ host: room.host.name, reason: room.reason }));
  const fit = others.filter(({ count }) => count > 0);
  if (fit.length === 0) {
    return stay(
      others.length === 0 ? "there is no other engine" : "no other host can have it",
      unfit,
    );
  }
  // Nobody spreads what has no Swarm.
  const asked = labels.strategy === "priority" ? "spread" : labels.strategy;
  const { strategy: used, because, costOf } = measureOf(asked, ground, fit);
  const sorted = fit
    .map(({ host }) => host)
    .toSorted((a, b) => costOf(a) - costOf(b) || byName(a, b));
  const [best, ...rest] = sorted.map(({ name }) => name);
  ground.reserve(service, sorted.slice(0, 1));
  const else_ = rest.length === 0 ? "" : `, else to ${rest.join(", ")}`;
  return {
    ...plan,
    action: "move",
    reason: `to ${best ?? ""}${else_}`,
    targets: sorted.map(({ name }) => name),
    unfit,
    strategy: { used, because },
    warnings: [...warningsOf(service, head.host, labels, data, sorted)],
  };
}

/** Why it stays whatever place there is for it. */
function heldBecause(
  { belongings }: ContainerView,
  { staysBecause, to, volumes }: MoveLabels,
  data: LocalData,
): string | undefined {
  const [tie] = belongings?.ties ?? [];
  if (staysBecause !== "") return staysBecause;
  if (tie !== undefined) return tie;
  if (to.length > 0) {
    return "heartmesh.migrate.to names labels of Swarm nodes, and hosts outside a Swarm have none";
  }
  if (volumes === "shared" || volumes === "empty") return undefined;
  const own = [...data.volumes, ...data.binds];
  return own.length === 0
    ? undefined
    : `its data is in volumes or paths of the host (${sourcesOf(own)}); heartmesh.volumes=shared or empty lets it move`;
}

/** An engine has each name once. What an earlier try made there and did not start is gone on with. */
function withName(
  room: Room,
  head: ContainerView,
  all: readonly ContainerView[],
  kin: readonly ContainerView[],
): Room {
  const holder = all.find(({ host, name }) => host === room.host.id && name === head.name);
  if (holder === undefined || room.count === 0 || holder === head) return room;
  const isOurs = kin.includes(holder) && isYounger(holder, head) && holder.state === "created";
  return isOurs ? room : { ...room, count: 0, reason: `a container called ${head.name} is there` };
}

function* warningsOf(
  service: SwarmService,
  from: string,
  labels: MoveLabels,
  { volumes, binds }: LocalData,
  targets: readonly SwarmHost[],
): Generator<Warning> {
  const to = targets.map(({ name }) => name).join(" or ");
  yield fenceWarning(from, "dead", labels.isFenced, "heartmesh.fence");
  if (labels.volumes === "empty" && volumes.length > 0) {
    const text = `it finds ${sourcesOf(volumes)} empty on ${to}, or as it was left there`;
    yield { code: "local-volume", text };
  }
  if (labels.volumes === "empty" && binds.length > 0) {
    const text = `${sourcesOf(binds)} must exist on ${to}, and holds there what that host has`;
    yield { code: "bind-mount", text };
  }
  yield* portWarning(service, from, to);
  const text = `${service.image} is taken as ${to} has it under this name, or pulled there`;
  yield { code: "image", text };
}

/** The same picture in the words in which room is asked for. A host of a name that HOSTS has not is known by its engine alone. */
function viewOf(containers: readonly ContainerView[], { engines, hosts }: PlainPicture): SwarmView {
  const stateOf = (host: string, reachable: boolean): string => {
    const verdict = hosts.find(({ id }) => id === host)?.verdict ?? "unknown";
    const isFit = verdict === "healthy" || verdict === "unknown" || verdict === "agent-lost";
    if (!isFit) return verdict;
    return reachable ? "ready" : "without an engine that answers";
  };
  return {
    hosts: engines.map(({ host, reachable }) => ({
      ...plainHost,
      id: host,
      name: host,
      state: stateOf(host, reachable),
      address: hosts.find(({ id }) => id === host)?.address ?? "",
    })),
    services: containers.map(serviceOf),
    tasks: containers.filter(({ state }) => state === "running").map(taskOf),
  };
}

const nothing = { nanoCpus: 0, memoryBytes: 0 };

const plainHost: Omit<SwarmHost, "id" | "name" | "state" | "address"> = {
  role: "worker",
  availability: "active",
  labels: {},
  engineLabels: {},
  os: "",
  arch: "",
  resources: nothing,
  volumeDrivers: [],
};

const serviceOf = ({ id, name, labels, belongings }: ContainerView): SwarmService => ({
  id,
  name,
  version: 0,
  labels: {},
  containerLabels: labels,
  mode: "replicated",
  replicas: 1,
  constraints: [],
  maxReplicasPerHost: 0,
  platforms: [],
  reservations: nothing,
  genericReservations: [],
  mounts: belongings?.mounts ?? [],
  ports: belongings?.ports ?? [],
  stopGracePeriod: 0,
  image: belongings?.image ?? "",
  updateConfig: undefined,
  updateState: "",
});

const taskOf = ({ id, host, belongings }: ContainerView): SwarmTask => ({
  id,
  serviceId: id,
  slot: 1,
  hostId: host,
  desired: "running",
  state: "running",
  error: "",
  image: belongings?.image ?? "",
  reservations: nothing,
});
