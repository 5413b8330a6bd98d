// `/api/swarm/scaling` and `/api/swarm/services/<name>/scaling`: how many replicas a service has by its load.

import type { FastifyInstance } from "fastify";
import type { SwarmChange, SwarmScaling, SwarmScalingPolicy } from "../../../proto/swarm-rest.ts";
import { scalingFaults, type ScalingDocument } from "../../core/scaling/policy.ts";
import type { ScalingState } from "../../core/scaling/scaler.ts";
import { VerbRefused, type SwarmVerbs } from "../../docker/swarm-verbs.ts";
import { ShelfFull, type Documents } from "../../io/shelf.ts";
import { atLeader } from "../at-leader.ts";
import type { ApiContext } from "../context.ts";
import { ApiProblem } from "../problem.ts";
import { fromRecord } from "../record-read.ts";
import { ref } from "../schema-words.ts";
import { ownSwarm } from "./context.ts";
import { inWords, managerOf, told } from "./desk.ts";
import { examples } from "./examples.ts";
import { enveloped, swarmRequests } from "./schemas.ts";

interface ById {
  Params: { id: string };
}

const tags = ["swarm"];
const params = swarmRequests.service;
const path = "/api/swarm/services/:id/scaling";

export function swarmScalingPlugin(app: FastifyInstance, context: ApiContext): void {
  addReads(app, context);
  addChanges(app, context);
}

function addReads(app: FastifyInstance, context: ApiContext): void {
  app.get(
    "/api/swarm/scaling",
    {
      schema: {
        tags,
        summary: "All scaling policies, by service, and what they make of their services now",
        response: enveloped(
          { type: "array", items: ref("SwarmScaling") },
          [examples.scaling],
          "The policies, by the leader",
          504,
        ),
      },
    },
    (request, reply) =>
      atLeader(context, request, reply, async () => {
        const all = [...(await ofShelf(context, (shelf) => shelf.list()))];
        return told(await Promise.all(all.map(([name, one]) => viewOf(context, name, one))));
      }),
  );

  app.get<ById>(
    path,
    {
      schema: {
        tags,
        summary: "The scaling policy of a service, and what it makes of it now",
        params,
        response: enveloped(
          ref("SwarmScaling"),
          examples.scaling,
          "The policy, by the leader",
          ...[404, 504],
        ),
      },
    },
    (request, reply) =>
      atLeader(context, request, reply, async () => {
        const { id } = request.params;
        const found = await ofShelf(context, (shelf) => shelf.get(id));
        if (found === undefined) throw noPolicy(id);
        return told(await viewOf(context, id, found));
      }),
  );
}

function addChanges(app: FastifyInstance, context: ApiContext): void {
  const config = { access: "operator" as const };
  const failures = [404, 409, 413, 415, 504];

  app.put<ById & { Body: SwarmScalingPolicy }>(
    path,
    {
      config,
      schema: {
        tags,
        summary: "Scale a service by its load from now on",
        description:
          "Put again, it ends what a person's scale holds back; one change of replicas a cooldown at most.",
        params,
        body: swarmRequests.scaling,
        response: enveloped(ref("SwarmChange"), examples.scalingPut, "Put", ...failures),
      },
    },
    (request, reply) =>
      atLeader(context, request, reply, async (by) => {
        const { min, max, target, cooldown } = request.body;
        const faults = scalingFaults({ ...request.body });
        if (faults.length > 0) throw new ApiProblem(400, `${faults.join("; ")}.`);
        const name = await inWords(async () =>
          replicatedName(await managerOf(ownSwarm(context.plane)), request.params.id),
        );
        const before = await ofShelf(context, (shelf) => shelf.get(name));
        const policy: ScalingDocument = { min, max, target, cooldown, putAt: Date.now(), by };
        await ofShelf(context, (shelf) => put(shelf, name, policy));
        return told(tell(name, before, policy, by));
      }),
  );

  app.delete<ById>(
    path,
    {
      config,
      schema: {
        tags,
        summary: "Scale a service by its load no more",
        params,
        response: enveloped(ref("SwarmChange"), examples.scalingRemoved, "Removed", ...failures),
      },
    },
    (request, reply) =>
      atLeader(context, request, reply, async (by) => {
        const { id } = request.params;
        const before = await ofShelf(context, (shelf) => shelf.get(id));
        if (before === undefined) throw noPolicy(id);
        await ofShelf(context, (shelf) => shelf.remove(id));
        return told(tell(id, before, undefined, by));
      }),
  );

  function tell(
    name: string,
    before: ScalingDocument | undefined,
    after: ScalingDocument | undefined,
    by: string,
  ): SwarmChange {
    const had = before === undefined ? "" : `; before: ${inText(before)}`;
    const is = after === undefined ? " no more" : `: ${inText(after)}`;
    const text = `${name} is scaled by its load${is}${had}`;
    const change = { text, before: inText(before), after: inText(after) };
    context.plane.onSwarmChange({ verb: "set-scaling", subject: name, outcome: change }, by);
    return change;
  }
}

/** What it is called; refuses one whose replicas are no number that is set. */
async function replicatedName(verbs: SwarmVerbs, asked: string): Promise<string> {
  const found = (await verbs.services()).find(({ id, name }) => id === asked || name === asked);
  if (found === undefined) throw new VerbRefused("missing", `the Swarm has no service ${asked}`);
  if (found.mode === "replicated") return found.name;
  const why = "how many tasks it has is not a number that is set";
  throw new VerbRefused("conflict", `${asked} is ${found.mode}, not replicated: ${why}`);
}

async function put(
  shelf: Documents<ScalingDocument>,
  name: string,
  policy: ScalingDocument,
): Promise<ApiProblem | undefined> {
  try {
    await shelf.put(name, policy);
    return undefined;
  } catch (error) {
    if (error instanceof ShelfFull) return new ApiProblem(409, error.message);
    throw error;
  }
}

/** Throws where Redis does not answer, and a problem that `ask` gives. */
async function ofShelf<Value>(
  { plane }: ApiContext,
  ask: (shelf: Documents<ScalingDocument>) => Promise<Value>,
): Promise<Exclude<Value, ApiProblem>> {
  const read = (): Promise<Value> => ask(plane.shelf<ScalingDocument>("scaling"));
  const value = await fromRecord(read, "The scaling policies cannot be read or written");
  if (value instanceof ApiProblem) throw value;
  return value as Exclude<Value, ApiProblem>;
}

const noPolicy = (service: string): ApiProblem =>
  new ApiProblem(404, `${service} has no scaling policy; GET /api/swarm/scaling lists all.`);

const inText = (policy: ScalingDocument | undefined): string =>
  policy === undefined
    ? ""
    : `${policy.min} to ${policy.max} replicas at a load of ${policy.target}, ${policy.cooldown} s`;

async function viewOf(
  { plane }: ApiContext,
  service: string,
  { min, max, target, cooldown, putAt, by }: ScalingDocument,
): Promise<SwarmScaling> {
  const state = await plane.scaling(service);
  return {
    service,
    policy: { min, max, target, cooldown },
    putAt: new Date(putAt).toISOString(),
    putBy: by,
    state: state === undefined ? null : stateView(state),
  };
}

function stateView(state: ScalingState): SwarmScaling["state"] {
  const { load, loadOf, replicas, wanted, heldBecause, lastChangeAt } = state;
  return {
    load: load === undefined ? null : Math.round(load * 100) / 100,
    loadOf: loadOf ?? null,
    replicas,
    wanted: wanted ?? null,
    heldBecause,
    lastChangeAt: lastChangeAt === undefined ? null : new Date(lastChangeAt).toISOString(),
  };
}
