// A removed worker on real parts: recreated as it was where its label asks for it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { needs } from "../lab/requirements.ts";
import { staged } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";

describe("a removed worker", { skip: needs("root", "engine", "redis") }, () => {
  let trio: Trio;
  const stage = staged((set) => ({ trio } = set), { trio: { env: { STOP_HOLD: "1" } } });

  test("is recreated with its address, alias, mounts and labels, and its agent follows", async () => {
    const name = "removed";
    await stage.docker("network", "create", "--subnet", "10.93.0.0/24", "own");
    const network = ["--network", "own", "--ip", "10.93.0.77", "--network-alias", "other-name"];
    const options = [...network, "-e", "COLOUR=blue", "-v", "kept:/kept", "--restart", "no"];
    await stage.healthy({
      name,
      arrangement: "joins-worker",
      labels: { "heartmesh.recreate": "true", colour: "blue" },
      options,
    });
    const id = await stage.inspect(name, "{{.Id}}");
    const shape =
      '{{.Name}} {{index .Config.Labels "colour"}} {{json .Config.Env}} {{json .HostConfig.Binds}} {{json .HostConfig.RestartPolicy}} {{(index .NetworkSettings.Networks "own").IPAddress}} {{json (index .NetworkSettings.Networks "own").IPAMConfig}}';
    const was = await stage.inspect(name, shape);
    const at = Date.now();
    await stage.docker("rm", "-f", name);
    await trio.recovered(name, at, "recovered", 60_000);
    assert.notEqual(await stage.inspect(name, "{{.Id}}"), id);
    assert.equal(await stage.inspect(name, shape), was);
    const aliases = await stage.inspect(
      name,
      '{{json (index .NetworkSettings.Networks "own").Aliases}}',
    );
    assert.ok(aliases.includes("other-name"), aliases);
    await trio.verdict(name, "healthy");
    const joined = await stage.inspect(`${name}-agent`, "{{.HostConfig.NetworkMode}}");
    assert.equal(joined, `container:${await stage.inspect(name, "{{.Id}}")}`);
    const asked = ["wget", "-q", "-O", "-", "http://127.0.0.1:8080/index.html"];
    assert.equal(await stage.docker("exec", name, ...asked), "ok");
    const fetched = `fetch("http://127.0.0.1:8080/index.html").then(async (r) => console.log(await r.text()))`;
    assert.equal(await stage.docker("exec", `${name}-agent`, "node", "-e", fetched), "ok");
  });
});
