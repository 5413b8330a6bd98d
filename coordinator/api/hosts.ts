// Hosts: what there is, what would happen to the services of one that falls out, and their maintenance. Any coordinator answers; the leader switches.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { HostsView, HostSwitchView, HostView, PlanView } from "../../proto/rest.ts";
import { toReason } from "../../proto/text.ts";
import { measured } from "../core/migration/measured.ts";
import { planHost } from "../core/migration/plan.ts";
import { planPlain } from "../core/migration/plain-plan.ts";
import type { SwarmHost } from "../core/migration/swarm-view.ts";
import type { Availability } from "../docker/availability.ts";
import type { SwarmReading } from "../docker/swarm.ts";
import { coded } from "../errors.ts";
import { atLeader } from "./at-leader.ts";
import type { ApiContext } from "./context.ts";
import { hostExamples } from "./host-examples.ts";
import { hostsView, planView, withContainers } from "./host-views.ts";
import { ApiProblem } from "./problem.ts";
import { ref } from "./schema-words.ts";
import { answers, good, requests } from "./schemas.ts";
import { swarmProblem } from "./swarm-problem.ts";
import { asAsked, theOne } from "./the-one.ts";

const untold = [400, 404, 409, 502, 503];
const tags = ["hosts"];
const params = requests.hostId;

interface ById {
  Params: { id: string };
}

interface Switching extends ById {
  Body: { reason?: string } | null;
}

export function hostsPlugin(app: FastifyInstance, context: ApiContext): void {
  const { plane } = context;

  app.get(
    "/api/v1/hosts",
    {
      schema: {
        tags,
        summary: "All hosts: the engines, and the nodes of the Swarm",
        response: answers({ 200: good(ref("Hosts"), "Hosts, by name", hostExamples.hosts) }),
      },
    },
    async (): Promise<HostsView> => hostsView(plane.summary(), await plane.swarm()),
  );

  app.get<ById>(
    "/api/v1/hosts/:id",
    {
      schema: {
        tags,
        summary: "One host",
        params,
        response: answers({ 200: good(ref("Host"), "The host", hostExamples.host) }, ...untold),
      },
    },
    async (request): Promise<HostView> => {
      const reading = await plane.swarm();
      return findHost(hostsView(plane.summary(), reading), reading, request.params.id);
    },
  );

  app.get<ById & { Querystring: { cause?: PlanView["cause"] } }>(
    "/api/v1/hosts/:id/plan",
    {
      schema: {
        tags,
        summary:
          "What would happen to its services, and to containers that may move, if it fell out",
        description:
          "Of a host that lives and is drained: while it is emptied, which moves services alone. Of every other: when it is dead. `cause` asks for the one or the other. Nothing is changed.",
        params,
        querystring: requests.plan,
        response: answers({ 200: good(ref("Plan"), "The plan", hostExamples.plan) }, ...untold),
      },
    },
    async (request): Promise<PlanView> => {
      const reading = await plane.swarm();
      const summary = plane.summary();
      const view = findHost(hostsView(summary, reading), reading, request.params.id);
      const { cause } = request.query;
      const picture = { ...summary, containers: summary.movable };
      const containers = planPlain(picture, view.engine ?? view.name);
      const isPlain = view.kind !== "swarm" && containers.length > 0 && cause !== "drain";
      const nothing = { host: view, cause: "dead" as const, by: summary.id };
      if (isPlain) return withContainers({ ...nothing, services: [], findings: [] }, containers);
      const plan = planOf(context, ...nodeOf(reading, view), cause);
      return plan.cause === "dead" ? withContainers(plan, containers) : plan;
    },
  );

  addSwitches(app, context);
}

function addSwitches(app: FastifyInstance, context: ApiContext): void {
  const base = { tags, params, body: requests.hostSwitch };
  const switched = (example: HostSwitchView) =>
    answers(
      { 200: good(ref("HostSwitch"), "Done, by the leader", example) },
      ...[...untold, 413, 415, 504],
    );
  const config = { access: "operator" as const };

  app.post<Switching>(
    "/api/v1/hosts/:id/drain",
    {
      config,
      schema: {
        ...base,
        summary: "Empty it, for maintenance",
        description:
          "Sets its availability in the Swarm, and tells the plan for its services. Where it is so already, nothing is changed.",
        response: switched(hostExamples.drained),
      },
    },
    (request, reply) => switchHost(context, request, reply, "drain"),
  );

  app.post<Switching>(
    "/api/v1/hosts/:id/activate",
    {
      config,
      schema: {
        ...base,
        summary: "Give it work again",
        description:
          "Sets its availability in the Swarm. What moved away does not come back by it.",
        response: switched(hostExamples.activated),
      },
    },
    (request, reply) => switchHost(context, request, reply, "active"),
  );
}

function switchHost(
  context: ApiContext,
  request: FastifyRequest<Switching>,
  reply: FastifyReply,
  wanted: Availability,
): Promise<HostSwitchView | FastifyReply> {
  return atLeader(context, request, reply, async (by) => {
    const { reading, host } = await nodeAsked(context, request.params.id);
    const { id: node, name } = host;
    const reason = toReason(request.body?.reason ?? "");
    const ask = { node, name, wanted, reason, engine: reading.by };
    const { before } = await context.plane.switchHost(ask, by);
    const now = { ...host, availability: wanted };
    const hosts = reading.view.hosts.map((one) => (one === host ? now : one));
    const after = { ...reading, view: { ...reading.view, hosts } };
    return {
      text: switchedText(name, before, wanted),
      before,
      after: wanted,
      plan: planOf(context, after, now),
    };
  });
}

function switchedText(name: string, before: string, wanted: Availability): string {
  const words = {
    drain: ["is drained", "is drained already"],
    active: ["takes work", "is active"],
  };
  const [done = "", already = ""] = words[wanted];
  return before === wanted
    ? `${name} ${already}: nothing was changed`
    : `${name} ${done} from now on; it was ${called[before] ?? before}`;
}

const called: Readonly<Record<string, string>> = { drain: "drained", pause: "paused" };

type SwarmTold = Extract<SwarmReading, { readonly kind: "swarm" }>;

/** A node of the Swarm; throws what the API says of anything else. */
async function nodeAsked(
  { plane }: ApiContext,
  asked: string,
): Promise<{ readonly reading: SwarmTold; readonly host: SwarmHost }> {
  const reading = await plane.swarm();
  const view = findHost(hostsView(plane.summary(), reading), reading, asked);
  const [told, host] = nodeOf(reading, view);
  return { reading: told, host };
}

function nodeOf(reading: SwarmReading, view: HostView): [SwarmTold, SwarmHost] {
  if (reading.kind !== "swarm") throw swarmProblem(reading);
  const host = reading.view.hosts.find(({ id }) => id === view.id);
  if (host === undefined) throw coded("HM_SWARM_NONE", `${view.name} is no host of the Swarm`);
  return [reading, host];
}

function planOf(
  { plane, migration }: ApiContext,
  reading: SwarmTold,
  host: SwarmHost,
  asked?: PlanView["cause"],
): PlanView {
  const summary = plane.summary();
  const view = findHost(hostsView(summary, reading), reading, host.id);
  const isEmptied = host.availability === "drain" && host.state === "ready";
  const cause = asked ?? (isEmptied ? "drain" : "dead");
  const picture = measured(reading.view, summary.hosts);
  return planView(view, planHost(picture, { host, cause, ...migration }), reading.by);
}

/** By its id, by its name where one alone is called so, or by the beginning of its id. */
function findHost({ hosts }: HostsView, reading: SwarmReading, asked: string): HostView {
  return theOne(asAsked(hosts, asked), asked, () =>
    // It may be one of the Swarm's.
    reading.kind !== "swarm" && reading.kind !== "none"
      ? swarmProblem(reading)
      : new ApiProblem(404, `No host is called ${asked}; GET /api/v1/hosts lists all.`),
  );
}
