// Every route of the API with the least role that it answers, and a request that it takes.

import { managingRoutes } from "./managing-routes.ts";
import { tokens } from "./scripted-plane.ts";

export type Role = keyof typeof tokens | "nobody";
export interface Route {
  readonly method: string;
  readonly path: string;
  /** As the description writes it; undefined where it is not part of it. */
  readonly described: string | undefined;
  readonly body?: unknown;
  /** What it does needs a real part, and a real test holds its answer to the description. */
  readonly isElsewhere?: true;
  /** 200 unless given: of what the scripted picture shows as down. */
  readonly answers?: number;
  /** The least role, or everybody. */
  readonly from: Role;
}

const worker = "h1%2Fweb-1";

const each: readonly Route[] = [
  ...managingRoutes,
  { method: "GET", path: "/api/v1/status", described: "/api/v1/status", from: "viewer" },
  { method: "GET", path: "/api/v1/live", described: "/api/v1/live", from: "viewer" },
  { method: "GET", path: "/api/v1/mesh", described: "/api/v1/mesh", from: "viewer" },
  { method: "GET", path: "/api/v1/picture", described: "/api/v1/picture", from: "viewer" },
  {
    method: "GET",
    path: "/api/v1/coordinators",
    described: "/api/v1/coordinators",
    from: "viewer",
  },
  {
    method: "POST",
    path: "/api/v1/coordinators",
    described: "/api/v1/coordinators",
    body: { id: "c4", address: "10.0.0.4:7700" },
    from: "admin",
  },
  {
    method: "DELETE",
    path: "/api/v1/coordinators/c3",
    described: "/api/v1/coordinators/{id}",
    from: "admin",
  },
  { method: "GET", path: "/connections", described: "/connections", from: "viewer" },
  {
    method: "POST",
    path: "/connections",
    described: "/connections",
    body: { "127.0.0.1:7702": 0 },
    from: "admin",
  },
  { method: "GET", path: "/api/v1/workers", described: "/api/v1/workers", from: "viewer" },
  {
    method: "GET",
    path: `/api/v1/workers/${worker}`,
    described: "/api/v1/workers/{id}",
    from: "viewer",
  },
  {
    method: "GET",
    path: `/api/v1/workers/${worker}/history`,
    described: "/api/v1/workers/{id}/history",
    from: "viewer",
  },
  {
    method: "GET",
    path: `/api/v1/workers/${worker}/logs?tail=5`,
    described: "/api/v1/workers/{id}/logs",
    from: "viewer",
  },
  {
    method: "POST",
    path: `/api/v1/workers/${worker}/revive`,
    described: "/api/v1/workers/{id}/revive",
    body: { reason: "a try" },
    from: "operator",
  },
  {
    method: "POST",
    path: `/api/v1/workers/${worker}/silence`,
    described: "/api/v1/workers/{id}/silence",
    body: { for: "1h", reason: "maintenance" },
    from: "operator",
  },
  {
    method: "DELETE",
    path: `/api/v1/workers/${worker}/silence`,
    described: "/api/v1/workers/{id}/silence",
    from: "operator",
  },
  {
    method: "DELETE",
    path: `/api/v1/workers/${worker}/quarantine`,
    described: "/api/v1/workers/{id}/quarantine",
    from: "operator",
  },
  { method: "GET", path: "/api/v1/hosts", described: "/api/v1/hosts", from: "viewer" },
  { method: "GET", path: "/api/v1/hosts/h1", described: "/api/v1/hosts/{id}", from: "viewer" },
  {
    method: "GET",
    path: "/api/v1/hosts/h1/plan",
    described: "/api/v1/hosts/{id}/plan",
    from: "viewer",
  },
  {
    method: "POST",
    path: "/api/v1/hosts/h1/drain",
    described: "/api/v1/hosts/{id}/drain",
    body: { reason: "a new disk" },
    from: "operator",
  },
  {
    method: "POST",
    path: "/api/v1/hosts/h1/activate",
    described: "/api/v1/hosts/{id}/activate",
    from: "operator",
  },
  { method: "GET", path: "/api/v1/recoveries", described: "/api/v1/recoveries", from: "viewer" },
  {
    method: "GET",
    path: "/api/v1/recoveries/3.7.ff",
    described: "/api/v1/recoveries/{id}",
    from: "viewer",
  },
  { method: "GET", path: "/api/v1/events", described: "/api/v1/events", from: "viewer" },
  { method: "GET", path: "/api/v1/leader", described: "/api/v1/leader", from: "viewer" },
  {
    method: "POST",
    path: "/api/v1/hosts/h1/failback",
    described: "/api/v1/hosts/{id}/failback",
    from: "operator",
  },
  {
    method: "POST",
    path: "/api/v1/services/cache/failback",
    described: "/api/v1/services/{id}/failback",
    from: "operator",
  },
  {
    method: "POST",
    path: "/api/v1/services/cache/migrate",
    described: "/api/v1/services/{id}/migrate",
    from: "operator",
  },
  {
    method: "POST",
    path: "/api/v1/notify-test",
    described: "/api/v1/notify-test",
    from: "operator",
  },
  { method: "GET", path: "/api/v1/queues", described: "/api/v1/queues", from: "viewer" },
  { method: "GET", path: "/api/v1/doctor", described: "/api/v1/doctor", from: "viewer" },
  { method: "GET", path: "/api/v1/backup", described: "/api/v1/backup", from: "admin" },
  {
    method: "POST",
    path: "/api/v1/restore",
    described: "/api/v1/restore",
    body: {
      ...{ version: 1, cluster: "lab", at: "2026-03-01T22:14:05.120Z" },
      ...{ documents: {}, silences: [], quarantines: [] },
    },
    from: "admin",
  },
  { method: "GET", path: "/api/v1/record", described: "/api/v1/record", from: "admin" },
  {
    method: "GET",
    path: `/api/v1/workers/${worker}/check`,
    described: "/api/v1/workers/{id}/check",
    from: "nobody",
  },
  {
    method: "GET",
    path: "/api/v1/services/web/check?host=h1",
    described: "/api/v1/services/{id}/check",
    answers: 503,
    from: "nobody",
  },
  {
    method: "GET",
    path: "/api/v1/hosts/h1/check",
    described: "/api/v1/hosts/{id}/check",
    answers: 503,
    from: "nobody",
  },
  { method: "GET", path: "/api/v1/session", described: "/api/v1/session", from: "nobody" },
  {
    method: "POST",
    path: "/api/v1/session",
    described: "/api/v1/session",
    body: { token: tokens.operator },
    from: "nobody",
  },
  { method: "DELETE", path: "/api/v1/session", described: "/api/v1/session", from: "nobody" },
  { method: "GET", path: "/leader", described: "/leader", from: "nobody" },
  { method: "GET", path: "/livez", described: "/livez", from: "nobody" },
  { method: "GET", path: "/readyz", described: "/readyz", from: "nobody" },
  { method: "GET", path: "/metrics", described: "/metrics", from: "viewer" },
  { method: "GET", path: "/docs", described: undefined, from: "viewer" },
  { method: "GET", path: "/docs/json", described: undefined, from: "viewer" },
  { method: "GET", path: "/queues", described: undefined, from: "viewer" },
  { method: "GET", path: "/queues/api/queues", described: undefined, from: "viewer" },
];

/** The same of every Swarm, by its name too; but only the watched one is scaled by the load that agents tell. */
const ofClusters = each
  .filter(({ path }) => path.startsWith("/api/swarm/") && !path.endsWith("/scaling"))
  .map((route) => ({
    ...route,
    path: route.path.replace("/api/swarm", "/api/clusters/default/swarm"),
    described: route.described?.replace("/api/swarm", "/api/clusters/{cluster}/swarm"),
  }));

/** Every route. */
export const routes: readonly Route[] = [...each, ...ofClusters];
