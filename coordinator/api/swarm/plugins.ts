// All that is managed of Swarms: the same routes for the one of DOCKER_HOST and for each of SWARMS.

import type { FastifyInstance } from "fastify";
import type { ApiContext } from "../context.ts";
import { swarmListPlugin } from "./clusters.ts";
import { otherSwarmContext, ownSwarmContext } from "./context.ts";
import { LiveSwarms } from "./live.ts";
import { LogStreams } from "./log-stream.ts";
import { swarmMembershipPlugin } from "./membership.ts";
import { swarmNodesPlugin } from "./nodes.ts";
import { swarmScalingPlugin } from "./scaling.ts";
import { swarmServicesPlugin } from "./services.ts";
import { swarmStacksPlugin } from "./stacks.ts";
import { swarmTemplatesPlugin } from "./templates.ts";

export function swarmPlugins(app: FastifyInstance, context: ApiContext): void {
  const { tokens } = context;
  const streams = { live: new LiveSwarms(tokens), logs: new LogStreams(tokens) };
  app.addHook("preClose", (done) => {
    streams.live.end();
    streams.logs.end();
    done();
  });
  swarmListPlugin(app, context);
  for (const one of [ownSwarmContext(context, streams), otherSwarmContext(context, streams)]) {
    swarmNodesPlugin(app, one);
    swarmMembershipPlugin(app, one);
    swarmServicesPlugin(app, one);
    swarmStacksPlugin(app, one);
    swarmTemplatesPlugin(app, one);
  }
  // By the load that agents tell the trio, which it hears of its own Swarm alone.
  swarmScalingPlugin(app, context);
}
