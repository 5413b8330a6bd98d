// A watcher on a lab engine whose news are collected, and the jobs that its actor is given.

import { EngineActor } from "../../../coordinator/docker/act.ts";
import { parseEngines } from "../../../coordinator/docker/endpoints.ts";
import { EngineClient } from "../../../coordinator/docker/engines.ts";
import { OwnActions } from "../../../coordinator/docker/own-actions.ts";
import { Recreator, type RecreationStep } from "../../../coordinator/docker/recreate.ts";
import { SpecStore } from "../../../coordinator/docker/spec-store.ts";
import { EngineWatcher } from "../../../coordinator/docker/watch.ts";
import { systemClock } from "../../../agent/io/clock.ts";
import type { EngineNews } from "../../../coordinator/core/engine-news.ts";
import type { ActionKind } from "../../../coordinator/core/decision.ts";
import type { RevivalJob, Target } from "../../../coordinator/core/job.ts";
import type { ContainerView, EngineEvent } from "../../../coordinator/core/worker.ts";
import { Random } from "../../../proto/random.ts";
import { term } from "../../../proto/units.ts";
import { until } from "../../waiting.ts";

export type HeardNews = EngineNews & { readonly at: number };

const relevance = { labels: [{ key: "role", value: "node" }], names: [] };

export function clientOf(host: string, writeHost?: string): EngineClient {
  const parsed = parseEngines({ DOCKER_HOST: host, DOCKER_WRITE_HOST: writeHost });
  if (!parsed.ok) throw new Error(parsed.problems.join("; "));
  return new EngineClient(parsed.value[0]!);
}

/** Everything of one coordinator that touches the engine. */
export class Watched {
  readonly news: HeardNews[] = [];
  readonly problems: string[] = [];
  readonly client: EngineClient;
  readonly own = new OwnActions(() => systemClock.now());
  readonly watcher: EngineWatcher;
  readonly specs: SpecStore;
  readonly recreator: Recreator;
  readonly actor: EngineActor;
  /** Set by a test to break a recreation off. */
  onStep: (step: RecreationStep, name: string) => void = () => undefined;

  constructor(client: EngineClient, dataDir: string) {
    const onProblem = (text: string): void => {
      this.problems.push(text);
    };
    const { own } = this;
    this.client = client;
    this.specs = new SpecStore(dataDir, onProblem);
    this.recreator = new Recreator({
      dataDir,
      specs: this.specs,
      own,
      relevance,
      now: () => systemClock.now(),
      onProblem,
      onStep: (step, name) => {
        this.onStep(step, name);
      },
    });
    this.actor = new EngineActor({
      engines: [client],
      relevance,
      own,
      recreator: this.recreator,
      now: () => systemClock.now(),
    });
    this.watcher = new EngineWatcher({
      client,
      relevance,
      own,
      random: new Random(1),
      emit: (news) => {
        this.news.push({ ...news, at: performance.now() });
      },
      onInspected: (host, raw) => {
        this.specs.onInspected(host, raw);
      },
    });
  }

  events(name?: string): readonly EngineEvent[] {
    return this.news.flatMap((news) =>
      news.kind === "engine-event" && (name === undefined || news.event.name === name)
        ? [news.event]
        : [],
    );
  }

  /** The first news of this kind, from `from` on, that fits. */
  async heard<Kind extends EngineNews["kind"]>(
    kind: Kind,
    fits: (news: Extract<HeardNews, { kind: Kind }>) => boolean = () => true,
    from = 0,
    patience = 10_000,
  ): Promise<Extract<HeardNews, { kind: Kind }>> {
    return await until(
      `news of ${kind}`,
      () =>
        this.news
          .slice(from)
          .find(
            (news): news is Extract<HeardNews, { kind: Kind }> =>
              news.kind === kind && fits(news as Extract<HeardNews, { kind: Kind }>),
          ),
      patience,
    );
  }

  async view(container: string): Promise<ContainerView> {
    const view = await this.client.inspect(container);
    if (view === undefined) throw new Error(`${container} does not exist`);
    return view;
  }

  /** A job for what is there now, as a decision would have made it. */
  async job(action: ActionKind, worker: string, parts: JobParts = {}): Promise<RevivalJob> {
    const targetOfName = async (name: string): Promise<Target> => targetOf(await this.view(name));
    const target = await targetOfName(worker);
    const agent = parts.agent === undefined ? undefined : await targetOfName(parts.agent);
    const dependants = await Promise.all((parts.dependants ?? []).map(targetOfName));
    return jobOf(action, target, agent, dependants, parts);
  }
}

interface JobParts {
  readonly agent?: string;
  readonly dependants?: readonly string[];
  readonly stopTimeout?: number;
  readonly recovery?: string;
}

export const targetOf = (view: ContainerView): Target => ({
  host: view.host,
  containerId: view.id,
  name: view.name,
  startedAt: view.startedAt,
});

export function jobOf(
  action: ActionKind,
  target: Target,
  agent?: Target,
  dependants: readonly Target[] = [],
  parts: JobParts = {},
): RevivalJob {
  const worker = `${target.host}/${target.name}`;
  return {
    recovery: parts.recovery ?? "1.1-test",
    token: { worker, epoch: 1, term: term(1) },
    action,
    target,
    agent,
    dependants,
    stopTimeout: parts.stopTimeout,
    verifyWindow: 5_000,
    verifyTimeout: 10_000,
    maxTries: 3,
    backoff: 1_000,
    backoffMax: 60_000,
    verdict: "stopped",
    reason: "a test",
    evidence: [],
    detectedAt: 0,
    decidedAt: 0,
  };
}

export const always = (): boolean => true;
