// The agent of a host beside a real Docker engine: frozen, gone and back.

import { equal, match, ok } from "node:assert/strict";
import { renameSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { after, before, describe, it } from "node:test";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { needs } from "../lab/requirements.ts";
import { timeUntil } from "../waiting.ts";
import { AgentProcess } from "./agent-process.ts";
import { CoordinatorVoice } from "./coordinator-voice.ts";

describe("the agent of a host", { skip: needs("root", "engine") }, () => {
  let engine: LabEngine;
  let agent: AgentProcess;
  let voice: CoordinatorVoice;

  before(async () => {
    engine = await startEngine();
    voice = await CoordinatorVoice.open("c1");
    agent = await AgentProcess.start({
      AGENT_SCOPE: "host",
      WORKER_NAME: "h1",
      DOCKER_HOST: engine.host,
      COORDINATORS: `c1=127.0.0.1:${voice.port}`,
    });
  });
  after(async () => {
    await agent.end();
    await voice.close();
    await engine.stop();
  });

  /** How long until it says so by itself, ms. */
  async function announced(state: string, since: number): Promise<number> {
    const isNew = (): boolean =>
      voice.heard.some(
        ({ at, message }) =>
          at > since && message.kind === "announce" && message.health.state === state,
      );
    return timeUntil(`it announces ${state}`, isNew, 5_000);
  }

  it("tells the engine's health and what the machine has", async () => {
    await announced("healthy", 0);
    const pong = await voice.ping(agent.port);
    equal(pong?.name, "h1");
    equal(pong.health.state, "healthy");
    equal(pong.capacity?.processors, availableParallelism());
    equal(pong.capacity.memory, totalmem());
    ok(pong.capacity.available > 0 && pong.capacity.available < totalmem());
    const announce = await voice.wait("announce", 1_000);
    equal(announce?.message.ofHost, true);
  });

  it("says within seconds that a frozen engine is unhealthy, and at once that it is back", async () => {
    const frozen = performance.now();
    engine.pause();
    const took = await announced("unhealthy", frozen);
    ok(took < 3_000, `${took} ms`);
    const pong = await voice.ping(agent.port);
    match(pong?.health.reason ?? "", /^no answer within 500 ms$/);
    const thawed = performance.now();
    engine.resume();
    const back = await announced("healthy", thawed);
    ok(back < 1_500, `${back} ms`);
  });

  it("says so where the engine's socket is gone", async () => {
    const gone = performance.now();
    const aside = `${engine.socket}.aside`;
    renameSync(engine.socket, aside);
    const took = await announced("unhealthy", gone);
    ok(took < 3_000, `${took} ms`);
    match((await voice.ping(agent.port))?.health.reason ?? "", /ENOENT/);
    const back = performance.now();
    renameSync(aside, engine.socket);
    await announced("healthy", back);
  });

  it("follows an engine that is restarted", async () => {
    const restarted = performance.now();
    await engine.restart({ kill: true });
    await announced("healthy", restarted);
    equal((await voice.ping(agent.port))?.health.state, "healthy");
  });
});
