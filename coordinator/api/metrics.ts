// The summary's figures in Prometheus' text exposition format 0.0.4.

import type { FastifyInstance } from "fastify";
import type { CoordinatorSummary } from "../core/summary.ts";
import type { ApiContext } from "./context.ts";
import { examples } from "./examples.ts";
import { answers, goodText, openToAll } from "./schemas.ts";

export function metricsPlugin(app: FastifyInstance, { plane, metricsOpen }: ApiContext): void {
  app.get(
    "/metrics",
    {
      config: metricsOpen ? { access: "open" } : {},
      schema: {
        tags: ["coordinator"],
        summary: "Figures for Prometheus",
        ...(metricsOpen ? openToAll : {}),
        response: answers({ 200: goodText("Text exposition", examples.metrics) }),
      },
    },
    (_request, reply) =>
      reply.type("text/plain; version=0.0.4; charset=utf-8").send(exposition(plane.summary())),
  );
}

type Labels = Readonly<Record<string, string>>;

function exposition(summary: CoordinatorSummary): string {
  const text = new Exposition();
  const { id, role, brake } = summary;
  text.gauge("info", "This coordinator and its role.", [[{ coordinator: id, role }, 1]]);
  text.gauge("leader", "1 on the leader.", [[{}, bit(role === "leader")]]);
  text.gauge("lease_seconds", "How long the lease still lasts.", [
    [{}, Math.max(0, summary.leaseFor) / 1000],
  ]);
  text.gauge("term", "The election term.", [[{}, summary.term]]);
  text.gauge("fit", "1 while it is fit to judge.", [[{}, bit(summary.fit)]]);
  text.gauge("votes", "1 while it may vote.", [[{}, bit(summary.votes)]]);
  text.gauge("workers", "Workers by verdict.", byVerdict(summary.workers));
  text.gauge(
    "engine_reachable",
    "1 while the engine answers.",
    summary.engines.map((one) => [{ host: one.host }, bit(one.reachable)]),
  );
  text.gauge("hosts", "Hosts by verdict.", byVerdict(summary.hosts));
  text.gauge(
    "host_up",
    "0 while the host is dead.",
    summary.hosts.map((one) => [{ host: one.id }, bit(one.verdict !== "dead")]),
  );
  text.gauge(
    "host_fence_held",
    "1 while containers with heartmesh.fence may run on the host.",
    summary.hosts.flatMap((one) =>
      one.fence === undefined
        ? []
        : [[{ host: one.id }, bit(one.fence.state !== "lapsed")] as const],
    ),
  );
  text.gauge("redis_reachable", "1 while Redis answers this coordinator.", [
    [{}, bit(summary.redis === "reachable")],
  ]);
  text.gauge("brake_tripped", "1 while the brake is tripped.", [[{}, bit(brake.tripped)]]);
  text.gauge("brake_failing", "Workers that count toward the brake.", [[{}, brake.failing]]);
  text.gauge("findings", "Things that a person should know.", [[{}, summary.findings.length]]);
  text.gauge(
    "peer_heard_seconds",
    "Since the other coordinator was heard.",
    summary.peers
      .filter((one) => one.heardAgo >= 0)
      .map((one) => [{ peer: one.id }, one.heardAgo / 1000]),
  );
  for (const [name, value] of counters(summary)) {
    text.counter(name, [[{}, value]]);
  }
  return text.toString();
}

/** Names that differ only in what a metric's name cannot hold are one counter. */
function counters(summary: CoordinatorSummary): Map<string, number> {
  const sums = new Map<string, number>();
  for (const [name, value] of Object.entries(summary.counters)) {
    const metric = name.replace(/[^A-Za-z0-9]+/g, "_").toLowerCase();
    sums.set(metric, (sums.get(metric) ?? 0) + value);
  }
  return sums;
}

function byVerdict(all: readonly { readonly verdict: string }[]): [Labels, number][] {
  const counts = new Map<string, number>();
  for (const { verdict } of all) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  return [...counts].map(([verdict, count]) => [{ verdict }, count]);
}

class Exposition {
  readonly #lines: string[] = [];

  gauge(name: string, help: string, samples: readonly (readonly [Labels, number])[]): void {
    this.#family(`heartmesh_${name}`, "gauge", help, samples);
  }

  counter(name: string, samples: readonly (readonly [Labels, number])[]): void {
    const help = `Count since the start: ${name.replaceAll("_", " ")}.`;
    this.#family(`heartmesh_${name}_total`, "counter", help, samples);
  }

  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  #family(
    name: string,
    type: "gauge" | "counter",
    help: string,
    samples: readonly (readonly [Labels, number])[],
  ): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [labels, value] of samples) {
      this.#lines.push(`${name}${labelText(labels)} ${value}`);
    }
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (value: string): string =>
  value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");

const bit = (isTrue: boolean): number => (isTrue ? 1 : 0);
