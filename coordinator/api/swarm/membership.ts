// `/api/swarm/init`, `join` and `leave`: which engines are in the Swarm.

import type { FastifyInstance } from "fastify";
import type { SwarmVerbs } from "../../docker/swarm-verbs.ts";
import { ref } from "../schema-words.ts";
import { change, engineOf, type Deed } from "./desk.ts";
import { examples } from "./examples.ts";
import type { SwarmContext } from "./context.ts";
import { enveloped, swarmRequests } from "./schemas.ts";

interface Init {
  advertiseAddr: string;
  engine?: string;
}
interface Join {
  advertiseAddr?: string;
  engine?: string;
  remoteAddrs: string[];
  joinToken: string;
}

const tags = ["swarm"];
const config = { access: "admin" as const };
const failures = [404, 409, 413, 415, 504];

export function swarmMembershipPlugin(app: FastifyInstance, context: SwarmContext): void {
  addInit(app, context);
  addJoin(app, context);
  addLeave(app, context);
}

const onEngine = (verb: string, engine: string | undefined, carryOut: Deed["carryOut"]): Deed => ({
  verb,
  subject: engine ?? "",
  engine: engineOf(engine),
  carryOut,
});

function addInit(app: FastifyInstance, context: SwarmContext): void {
  app.post<{ Body: Init }>(
    `${context.prefix}/init`,
    {
      config,
      schema: {
        tags,
        summary: "Make a new Swarm of an engine that is in none",
        ...context.params(),
        body: swarmRequests.init,
        response: enveloped(ref("SwarmChange"), examples.init, "Its first manager", ...failures),
      },
    },
    (request, reply) => {
      const { advertiseAddr, engine } = request.body;
      const carryOut = async (verbs: SwarmVerbs) => {
        const node = await verbs.init(advertiseAddr);
        const text = `${verbs.engine.host} is the first manager of a new Swarm`;
        return { text, before: "", after: node };
      };
      return change(context, request, reply, onEngine("swarm-init", engine, carryOut));
    },
  );
}

function addJoin(app: FastifyInstance, context: SwarmContext): void {
  app.post<{ Body: Join }>(
    `${context.prefix}/join`,
    {
      // The engine itself gives up after 20 s.
      config: { ...config, forwardFor: 30_000 },
      schema: {
        tags,
        summary: "Have an engine that is in no Swarm join one",
        ...context.params(),
        body: swarmRequests.join,
        response: enveloped(ref("SwarmChange"), examples.join, "It has joined", ...failures),
      },
    },
    (request, reply) => {
      const { remoteAddrs, joinToken, advertiseAddr = "", engine } = request.body;
      const carryOut = async (verbs: SwarmVerbs) => {
        await verbs.join(remoteAddrs, joinToken, advertiseAddr);
        const text = `${verbs.engine.host} has joined the Swarm of ${remoteAddrs.join(", ")}`;
        return { text, before: "", after: "active" };
      };
      return change(context, request, reply, onEngine("swarm-join", engine, carryOut));
    },
  );
}

function addLeave(app: FastifyInstance, context: SwarmContext): void {
  app.post<{ Body: { force?: boolean; engine?: string } }>(
    `${context.prefix}/leave`,
    {
      config,
      schema: {
        tags,
        summary: "Have an engine leave its Swarm",
        ...context.params(),
        body: swarmRequests.leave,
        response: enveloped(ref("SwarmChange"), examples.leave, "It has left", ...failures),
      },
    },
    (request, reply) => {
      const { force = false, engine } = request.body;
      const carryOut = async (verbs: SwarmVerbs) => {
        await verbs.leave(force);
        return { text: `${verbs.engine.host} has left its Swarm`, before: "active", after: "" };
      };
      return change(context, request, reply, onEngine("swarm-leave", engine, carryOut));
    },
  );
}
