// The HTTP server of a coordinator: bounds, login, problems, TLS and all plugins, composed.

import { readFileSync } from "node:fs";
import type { Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import rateLimit from "@fastify/rate-limit";
import Fastify, { type FastifyInstance, type FastifyServerOptions } from "fastify";
import type { Logger } from "pino";
import type { CoordinatorConfig } from "../config.ts";
import { authorizeCallers, identifyCallers } from "./access.ts";
import { allowOrigins } from "./cors.ts";
import { answerBrokenBytes, answerStrangeWishes } from "./broken-bytes.ts";
import { holdFor } from "./at-leader.ts";
import { backupPlugin } from "./backup.ts";
import type { ApiContext } from "./context.ts";
import { dashboardPlugin } from "./dashboard.ts";
import { describeRoutes, docsPlugin } from "./docs.ts";
import { doctorPlugin } from "./doctor.ts";
import { connectionsPlugin } from "./connections.ts";
import { checksPlugin } from "./checks.ts";
import { clustersPlugin } from "./clusters/clusters.ts";
import { clusterNodesPlugin } from "./clusters/nodes.ts";
import { clusterServicesPlugin } from "./clusters/services.ts";
import { clusterStatsPlugin } from "./clusters/stats.ts";
import { coordinatorsPlugin } from "./coordinators.ts";
import { eventsPlugin } from "./events.ts";
import { FileWatch } from "./file-watch.ts";
import { buildForwarder, forwardTimeout } from "./forward.ts";
import { hostsPlugin } from "./hosts.ts";
import { servicesPlugin } from "./services.ts";
import { historiesPlugin } from "./live/histories.ts";
import { livePlugin } from "./live/live.ts";
import { workerLogsPlugin } from "./live/logs.ts";
import { meshPlugin } from "./live/mesh.ts";
import { metricsPlugin } from "./metrics.ts";
import { answerUnknown, pathOf } from "./not-found.ts";
import { notifyTestPlugin } from "./notify-test.ts";
import type { ControlPlane } from "./plane.ts";
import { ApiProblem, problemOf, sendProblem } from "./problem.ts";
import { queueDepthsPlugin } from "./queue-depths.ts";
import { queuesPlugin } from "./queues.ts";
import { recordPlugin } from "./record.ts";
import { recoveriesPlugin } from "./recoveries.ts";
import { sharedSchemas } from "./schemas.ts";
import { SessionCookies } from "./session-cookie.ts";
import { sessionPlugin } from "./session.ts";
import { probesPlugin, statusPlugin } from "./status.ts";
import { swarmPlugins } from "./swarm/plugins.ts";
import { TokenStore } from "./token-store.ts";
import { refuseMalformed, refuseOtherTypes } from "./well-formed.ts";
import { workersPlugin } from "./workers.ts";

export interface RunningHttp {
  /** Where it listens, for a person on this machine. */
  readonly url: string;
  /** Ends open requests and streams; idempotent. */
  stop(): Promise<void>;
}

const bounds = {
  /** Of a body. More: 413. */
  body: 16_384,
  /** For headers and body to arrive. Later: 408. */
  request: 10_000,
  headers: 5_000,
  /** Without a byte in either direction. Longer: the connection is closed; streams say "still here" every 15 s. */
  silence: 60_000,
  /** Connections at a time. More: closed at once. */
  connections: 1_000,
  /** Requests a minute of one token, or of one address without one. More: 429. */
  requests: 1_200,
} as const;

/** With `strictNumbers` no bound would be held against Infinity, which the text of a query can be. */
const validation = {
  allErrors: true,
  coerceTypes: true,
  removeAdditional: false,
  strictNumbers: false,
} as const;

export interface HttpBounds {
  readonly request?: number;
  readonly requests?: number;
  readonly connections?: number;
  readonly forward?: number;
  readonly hold?: number;
  readonly rereadEvery?: number;
}

/** @param narrowed bounds that a test makes tighter */
export async function startHttp(
  config: CoordinatorConfig,
  plane: ControlPlane,
  log: Logger,
  narrowed: HttpBounds = {},
): Promise<RunningHttp> {
  const { http } = config;
  const { tls } = http;
  const cookies = new SessionCookies({ cluster: config.clusterId, isTls: tls !== undefined });
  const tokens = new TokenStore(http.tokens, cookies, log);
  const app = await buildApp(config, plane, tokens, log, narrowed);
  const tlsWatch = new FileWatch(tls === undefined ? [] : [tls.certFile, tls.keyFile], () => {
    rereadTls(app, http, log);
  });
  await app.listen({ host: http.host, port: http.port, backlog: 511 });
  app.server.maxConnections = narrowed.connections ?? bounds.connections;
  tokens.start(narrowed.rereadEvery);
  tlsWatch.start(narrowed.rereadEvery);
  let stopping: Promise<void> | undefined;
  return {
    url: urlOf(app.server.address() as AddressInfo, tls !== undefined),
    stop() {
      tokens.stop();
      tlsWatch.stop();
      stopping ??= app.close();
      return stopping;
    },
  };
}

async function buildApp(
  config: CoordinatorConfig,
  plane: ControlPlane,
  tokens: TokenStore,
  log: Logger,
  narrowed: HttpBounds = {},
): Promise<FastifyInstance> {
  const { tls, metricsOpen } = config.http;
  const app = createServer(tls, narrowed.request ?? bounds.request);
  for (const schema of sharedSchemas) app.addSchema(schema);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  answerErrors(app, log);
  answerStrangeWishes(app.server);
  refuseMalformed(app);
  allowOrigins(app, config.http.origins);
  identifyCallers(app, tokens);
  await app.register(rateLimit, {
    max: narrowed.requests ?? bounds.requests,
    timeWindow: 60_000,
    keyGenerator: (request) =>
      request.caller === undefined || !tokens.areNeeded
        ? `address ${request.ip}`
        : `token ${request.caller.name}`,
    errorResponseBuilder: (_request, limit) =>
      new ApiProblem(
        limit.statusCode,
        `At most ${limit.max} requests a minute; wait ${limit.after}.`,
      ),
  });
  authorizeCallers(app, tokens, config.http.origins);
  refuseOtherTypes(app);
  answerUnknown(app);
  await describeRoutes(app);
  const forwarder = buildForwarder(config.id, tls?.certFile, narrowed.forward ?? forwardTimeout);
  const { id, clusterId: cluster, migration, faultInjection } = config;
  const own = { id, cluster, migration, faultInjection, metricsOpen };
  const held = { forwarder, holdFor: narrowed.hold ?? holdFor };
  const { image: clusterImage, nodeImage } = config.clusters;
  const clusters = { clusterImage, spawnsEngines: nodeImage !== "" };
  const context: ApiContext = { ...own, plane, tokens, ...held, ...clusters, log };
  addWatching(app, context);
  swarmPlugins(app, context);
  clustersPlugin(app, context);
  clusterServicesPlugin(app, context);
  clusterNodesPlugin(app, context);
  clusterStatsPlugin(app, context);
  recoveriesPlugin(app, context);
  eventsPlugin(app, context);
  notifyTestPlugin(app, context);
  queueDepthsPlugin(app, context);
  doctorPlugin(app, context);
  recordPlugin(app, context);
  backupPlugin(app, context);
  metricsPlugin(app, context);
  dashboardPlugin(app);
  await docsPlugin(app);
  await queuesPlugin(app, context);
  await app.ready();
  return app;
}

/** The mesh, its workers and its hosts. */
function addWatching(app: FastifyInstance, context: ApiContext): void {
  statusPlugin(app, context);
  probesPlugin(app, context);
  sessionPlugin(app, context);
  checksPlugin(app, context);
  coordinatorsPlugin(app, context);
  connectionsPlugin(app, context);
  livePlugin(app, context);
  meshPlugin(app, context);
  historiesPlugin(app, context);
  workerLogsPlugin(app, context);
  workersPlugin(app, context);
  hostsPlugin(app, context);
  servicesPlugin(app, context);
}

function createServer(
  tls: CoordinatorConfig["http"]["tls"],
  requestTimeout: number,
): FastifyInstance {
  const node = {
    // A missing Host is told like any other fault.
    requireHostHeader: false,
    headersTimeout: Math.min(bounds.headers, requestTimeout),
    // Node looks at slow requests only every 30 s unless told otherwise.
    connectionsCheckingInterval: Math.min(1000, requestTimeout),
  };
  const options: FastifyServerOptions = {
    logger: false,
    bodyLimit: bounds.body,
    requestTimeout,
    connectionTimeout: bounds.silence,
    keepAliveTimeout: 10_000,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 700 },
    ajv: { customOptions: validation },
    clientErrorHandler: answerBrokenBytes,
    frameworkErrors: (error, _request, reply) => {
      void sendProblem(reply, problemOf(error));
    },
  };
  if (tls === undefined) return Fastify({ ...options, http: node });
  const https = { ...node, ...readTls(tls) };
  return Fastify({ ...options, https } as FastifyServerOptions);
}

function answerErrors(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const body = problemOf(error);
    if (body.status >= 500 && !(error instanceof ApiProblem)) {
      log.error(
        { err: error, method: request.method, path: pathOf(request.url).slice(0, 200) },
        "a request failed",
      );
    }
    return sendProblem(reply, body);
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    reply.header("x-content-type-options", "nosniff");
    reply.header("referrer-policy", "no-referrer");
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
    if (!reply.hasHeader("content-security-policy")) {
      reply.header("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
    }
    done(null, payload);
  });
}

const readTls = (
  tls: NonNullable<CoordinatorConfig["http"]["tls"]>,
): { cert: Buffer; key: Buffer } => ({
  cert: readFileSync(tls.certFile),
  key: readFileSync(tls.keyFile),
});

function rereadTls(app: FastifyInstance, http: CoordinatorConfig["http"], log: Logger): void {
  if (http.tls === undefined) return;
  try {
    (app.server as unknown as HttpsServer).setSecureContext(readTls(http.tls));
    log.info("the TLS certificate was read again");
  } catch (error) {
    // Half a pair while it is being replaced: the next look finds the other half.
    log.error({ err: error }, "the TLS files are not usable, the old certificate stays");
  }
}

function urlOf(address: AddressInfo, isTls: boolean): string {
  const host = address.address.includes(":") ? `[${address.address}]` : address.address;
  const seen = host === "0.0.0.0" || host === "[::]" ? "127.0.0.1" : host;
  return `${isTls ? "https" : "http"}://${seen}:${address.port}`;
}
