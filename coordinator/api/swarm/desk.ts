// How requests reach a manager of their Swarm: reads from any coordinator, changes by the leader, each change told and on record.

import type { FastifyReply, FastifyRequest } from "fastify";
import { isCodedError } from "../../../proto/coded-error.ts";
import type { SwarmAnswer, SwarmChange } from "../../../proto/swarm-rest.ts";
import { hasStatus } from "../../docker/engines.ts";
import { SwarmVerbs, VerbRefused } from "../../docker/swarm-verbs.ts";
import { atLeader } from "../at-leader.ts";
import { ApiProblem } from "../problem.ts";
import { wantsStream } from "../server-sent.ts";
import { swarmProblem } from "../swarm-problem.ts";
import type { SwarmAt, SwarmContext } from "./context.ts";
import type { LiveView } from "./live.ts";

export const told = <Data>(data: Data): SwarmAnswer<Data> => ({
  success: true,
  data,
  ...(Array.isArray(data) ? { count: data.length } : {}),
});

/** Throws what the API says where no manager tells, and of what the Swarm does not bear. */
export async function ask<Data>(
  context: SwarmContext,
  request: FastifyRequest,
  carryOut: (verbs: SwarmVerbs) => Promise<Data>,
): Promise<SwarmAnswer<Data>> {
  const at = context.at(request);
  return told(await inWords(async () => carryOut(await managerOf(at))));
}

/** The list once, or whenever it changes, by what the caller accepts. */
export async function askOrFollow<Data>(
  context: SwarmContext,
  request: FastifyRequest,
  reply: FastifyReply,
  view: LiveView & { readonly ask: (verbs: SwarmVerbs) => Promise<Data> },
): Promise<SwarmAnswer<Data> | undefined> {
  if (!wantsStream(request)) return await ask(context, request, view.ask);
  await context.streams.live.follow(request, reply, context.at(request), view);
  return undefined;
}

export interface Deed<Change extends SwarmChange = SwarmChange> {
  /** For the audit: `scale-service`. */
  readonly verb: string;
  readonly subject: string;
  /** On a manager unless given. */
  readonly engine?: (at: SwarmAt) => SwarmVerbs;
  readonly carryOut: (verbs: SwarmVerbs) => Promise<Change>;
}

/** By the leader, told to a manager. What came of it, a refusal too, is on record. */
export function change<Change extends SwarmChange>(
  context: SwarmContext,
  request: FastifyRequest,
  reply: FastifyReply,
  { verb, subject, engine, carryOut }: Deed<Change>,
): Promise<SwarmAnswer<Change> | FastifyReply> {
  const at = context.at(request);
  const deed = async (): Promise<Change> =>
    carryOut(engine === undefined ? await managerOf(at) : engine(at));
  return onRecord(context, request, reply, { verb, subject, carryOut: deed });
}

/** By the leader; `carryOut` is told who asks. */
export function onRecord<Change extends SwarmChange>(
  context: SwarmContext,
  request: FastifyRequest,
  reply: FastifyReply,
  {
    verb,
    subject,
    carryOut,
  }: Pick<Deed, "verb" | "subject"> & { readonly carryOut: (by: string) => Promise<Change> },
): Promise<SwarmAnswer<Change> | FastifyReply> {
  const at = context.at(request);
  return atLeader(context, request, reply, async (by) => {
    const record = (outcome: SwarmChange | string): void => {
      context.plane.onSwarmChange({ verb, subject, cluster: at.cluster, outcome }, by);
    };
    try {
      const changed = await carryOut(by);
      record(changed);
      return told(changed);
    } catch (error) {
      record(isCodedError(error) ? error.detail : messageOf(error));
      throw wordsOf(error);
    }
  });
}

/** By its name; the first where none is named. */
export const engineOf =
  (name: string | undefined) =>
  (at: SwarmAt): SwarmVerbs => {
    const engines = at.engines();
    const found = name === undefined ? engines[0] : engines.find(({ host }) => host === name);
    if (found !== undefined) return new SwarmVerbs(found);
    const known = engines.map(({ host }) => host).join(", ");
    throw new ApiProblem(404, `No engine is called ${name ?? ""}; there are ${known}.`);
  };

export async function managerOf(at: SwarmAt): Promise<SwarmVerbs> {
  const reading = await at.read();
  if (reading.kind !== "swarm") throw swarmProblem(reading);
  const engine = at.engines().find(({ host }) => host === reading.by);
  if (engine === undefined) throw new ApiProblem(503, `${reading.by} is not asked any more.`);
  return new SwarmVerbs(engine);
}

export async function inWords<Value>(carryOut: () => Promise<Value>): Promise<Value> {
  try {
    return await carryOut();
  } catch (error) {
    throw wordsOf(error);
  }
}

/** What the API says of an error. */
export function wordsOf(error: unknown): unknown {
  if (error instanceof VerbRefused) {
    return new ApiProblem(error.kind === "missing" ? 404 : 409, sentence(error.message));
  }
  // A node that is not down, the last manager that leaves, a Swarm that is there already.
  if (hasStatus(error, 406) || hasStatus(error, 409) || hasStatus(error, 412)) {
    return new ApiProblem(409, sentence(error.detail));
  }
  if (hasStatus(error, 400)) {
    const isState = error.detail.includes("FailedPrecondition");
    return new ApiProblem(isState ? 409 : 400, sentence(error.detail));
  }
  return error;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
