// Which Swarm a request is about: that of DOCKER_HOST under `/api/swarm`, or one of SWARMS under `/api/clusters/<name>/swarm`, by the same routes.

import type { FastifyRequest } from "fastify";
import { ownCluster } from "../../docker/endpoints.ts";
import type { SwarmReading } from "../../docker/swarm.ts";
import type { VerbEngine } from "../../docker/swarm-verbs.ts";
import type { ApiContext } from "../context.ts";
import type { ControlPlane } from "../plane.ts";
import { ApiProblem } from "../problem.ts";
import { text, type Schema } from "../schema-words.ts";
import type { LiveSwarms } from "./live.ts";
import type { LogStreams } from "./log-stream.ts";

export interface SwarmAt {
  /** Of SWARMS; empty for the one of DOCKER_HOST. */
  readonly cluster: string;
  /** Never rejects; takes up to 8 s where no manager tells. */
  read(): Promise<SwarmReading>;
  engines(): readonly VerbEngine[];
}

export interface SwarmContext extends ApiContext {
  /** Of the routes. */
  readonly prefix: string;
  /** Of a route's schema: its own parameters, and the Swarm's name where the path has it. */
  params(own?: Closed): { readonly params?: Schema };
  /** Throws 404 where no Swarm is called so. */
  at(request: FastifyRequest): SwarmAt;
  readonly streams: SwarmStreams;
}

/** Of all Swarms together. */
export interface SwarmStreams {
  readonly live: LiveSwarms;
  readonly logs: LogStreams;
}

interface Closed {
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, Schema>>;
}

export const ownSwarmContext = (context: ApiContext, streams: SwarmStreams): SwarmContext => ({
  ...context,
  streams,
  prefix: "/api/swarm",
  params: (own) => (own === undefined ? {} : { params: own as unknown as Schema }),
  at: () => ownSwarm(context.plane),
});

export const otherSwarmContext = (context: ApiContext, streams: SwarmStreams): SwarmContext => ({
  ...context,
  streams,
  prefix: "/api/clusters/:cluster/swarm",
  params: (own = { required: [], properties: {} }) => ({
    params: {
      type: "object",
      additionalProperties: false,
      required: ["cluster", ...own.required],
      properties: { cluster, ...own.properties },
    },
  }),
  at: (request) => swarmOf(context, (request.params as { readonly cluster: string }).cluster),
});

const cluster: Schema = {
  ...text(`a name of SWARMS, or ${ownCluster} for the Swarm of DOCKER_HOST`),
  minLength: 1,
  maxLength: 63,
};

export interface NamedSwarm extends SwarmAt {
  readonly name: string;
  /** Where its engines are, as configured. */
  readonly endpoints: readonly string[];
}

/** The one of DOCKER_HOST first. */
export const swarmsOf = ({ plane }: ApiContext): readonly NamedSwarm[] => [
  {
    name: ownCluster,
    endpoints: plane.engines().map(({ endpoint }) => endpoint),
    ...ownSwarm(plane),
  },
  ...plane.swarms().map((one) => ({
    name: one.name,
    endpoints: one.engines.map(({ endpoint }) => endpoint),
    cluster: one.name,
    read: () => one.read(),
    engines: () => one.engines,
  })),
];

export const ownSwarm = (plane: ControlPlane): SwarmAt => ({
  cluster: "",
  read: () => plane.swarm(),
  engines: () => plane.engines(),
});

function swarmOf(context: ApiContext, name: string): SwarmAt {
  const swarms = swarmsOf(context);
  const found = swarms.find((one) => one.name === name);
  if (found !== undefined) return found;
  const known = swarms.map((one) => one.name).join(", ");
  throw new ApiProblem(404, `No Swarm is called ${name}; there are ${known}.`);
}
