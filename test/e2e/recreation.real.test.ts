// A removed worker on real parts: recreated as it was where its label asks for it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startEngine, type LabEngine } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker, type WorkerWish } from "../lab/workers.ts";

describe("a removed worker", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    trio = await Trio.start(engine, { env: { VERIFY_WINDOW: "1", STOP_HOLD: "1" } });
  });

  after(async () => {
    await trio.stop();
    await engine.stop();
  });

  const docker = async (...words: readonly string[]): Promise<string> => {
    const ran = await engine.docker(...words);
    assert.equal(ran.code, 0, `docker ${words.join(" ")}: ${ran.stderr}`);
    return ran.stdout.trim();
  };
  const inspect = (name: string, what: string): Promise<string> =>
    docker("inspect", "-f", what, name);
  const healthy = async (wish: WorkerWish): Promise<void> => {
    await startWorker(trio, wish);
    await trio.verdict(wish.name, "healthy");
  };
  test("is recreated with its address, alias, mounts and labels, and its agent follows", async () => {
    const name = "removed";
    await docker("network", "create", "--subnet", "10.93.0.0/24", "own");
    const network = ["--network", "own", "--ip", "10.93.0.77", "--network-alias", "other-name"];
    const options = [...network, "-e", "COLOUR=blue", "-v", "kept:/kept", "--restart", "no"];
    await healthy({
      name,
      arrangement: "joins-worker",
      labels: { "heartmesh.recreate": "true", colour: "blue" },
      options,
    });
    const id = await inspect(name, "{{.Id}}");
    const shape =
      '{{.Name}} {{index .Config.Labels "colour"}} {{json .Config.Env}} {{json .HostConfig.Binds}} {{json .HostConfig.RestartPolicy}} {{(index .NetworkSettings.Networks "own").IPAddress}} {{json (index .NetworkSettings.Networks "own").IPAMConfig}}';
    const was = await inspect(name, shape);
    const at = Date.now();
    await docker("rm", "-f", name);
    await trio.recovered(name, at, "recovered", 60_000);
    assert.notEqual(await inspect(name, "{{.Id}}"), id);
    assert.equal(await inspect(name, shape), was);
    const aliases = await inspect(name, '{{json (index .NetworkSettings.Networks "own").Aliases}}');
    assert.ok(aliases.includes("other-name"), aliases);
    await trio.verdict(name, "healthy");
    const joined = await inspect(`${name}-agent`, "{{.HostConfig.NetworkMode}}");
    assert.equal(joined, `container:${await inspect(name, "{{.Id}}")}`);
    const asked = ["wget", "-q", "-O", "-", "http://127.0.0.1:8080/index.html"];
    assert.equal(await docker("exec", name, ...asked), "ok");
    const fetched = `fetch("http://127.0.0.1:8080/index.html").then(async (r) => console.log(await r.text()))`;
    assert.equal(await docker("exec", `${name}-agent`, "node", "-e", fetched), "ok");
  });
});
