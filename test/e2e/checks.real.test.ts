// People's own servers behind the HAProxy of Debian, which goes by what the coordinators say of them: traffic only to the healthy primary.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { pidOf } from "../lab/containers.ts";
import { LabProxy } from "../lab/haproxy.ts";
import { needs } from "../lab/requirements.ts";
import { staged, type Stage } from "../lab/stage.ts";
import type { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

/** The first is checked by HAProxy too, which sees no hang: its connections are still accepted. The second asks by HTTP. */
const own = `
frontend shop
    bind :8010
    default_backend shop
backend shop
    server primary 127.0.0.1:9001 check inter 250ms agent-check agent-addr 127.0.0.1 agent-port 8101 agent-inter 250ms agent-send "lab/primary\\n"
    server secondary 127.0.0.1:9002 backup check inter 250ms agent-check agent-addr 127.0.0.1 agent-port 8079 agent-inter 250ms agent-send "secondary\\n"
frontend shop-by-http
    bind :8011
    default_backend shop-by-http
backend shop-by-http
    option httpchk
    default-server inter 250ms fall 2 rise 1
    server primary 127.0.0.1:9001 check addr 127.0.0.1 port 8000
    server secondary 127.0.0.1:9002 backup
    http-check send meth GET uri /api/v1/workers/lab%2Fprimary/check
`;

describe("a backend of one's own", { skip: needs("root", "engine", "redis", "haproxy") }, () => {
  let stage: Stage;
  let trio: Trio;
  let proxy: LabProxy;
  staged((set) => ([stage, trio] = [set, set.trio]), {
    trio: { envOf: (id) => ({ CHECK_PORT: `810${id.slice(1)}` }) },
  });

  before(async () => {
    for (const [at, name] of ["primary", "secondary"].entries()) {
      await startWorker(trio, {
        name,
        arrangement: "joins-worker",
        options: ["-p", `127.0.0.1:${9001 + at}:8080`],
        command: ["sh", "-c", `echo ${name} > /tmp/index.html; exec httpd -f -p 8080 -h /tmp`],
      });
      await trio.verdict(name, "healthy");
    }
    proxy = await LabProxy.start(trio, own, [8010, 8011]);
  });

  after(() => proxy.stop());

  /** Whom both ways of asking lead to. */
  const servedBy = (name: string): Promise<true> =>
    until(
      `${name} to serve`,
      async () => {
        const asks = [0, 1].map(async (at) => {
          const signal = AbortSignal.timeout(1_000);
          const answer = await fetch(`${proxy.own(at)}/index.html`, { signal });
          return (await answer.text()).trim();
        });
        const served = await Promise.all(asks).catch(() => []);
        return (served.length === 2 && served.every((one) => one === name)) || undefined;
      },
      30_000,
      100,
    );

  /** Until then its primary is not revived: so the secondary serves for as long as it takes to see it. */
  const whileLeftAlone = async (seen: () => Promise<unknown>): Promise<void> => {
    const silence = "workers/lab%2Fprimary/silence";
    await trio.ask("POST", silence, { for: "1h", reason: "it is looked at" });
    await seen();
    await trio.ask("DELETE", silence);
  };

  test("is served by its primary, and shown", async () => {
    await servedBy("primary");
    assert.match((await proxy.servers()).get("shop/primary") ?? "", /^UP/);
  });

  test("goes to the secondary while its primary is dead, and back when it is revived", async () => {
    await servedBy("primary");
    await whileLeftAlone(async () => {
      await stage.docker("kill", "primary");
      await servedBy("secondary");
    });
    await servedBy("primary");
    await trio.verdict("primary", "healthy");
  });

  test("goes to the secondary while its primary hangs, which accepts every connection, and back when it is revived", async () => {
    await servedBy("primary");
    const at = Date.now();
    await whileLeftAlone(async () => {
      process.kill(await pidOf(stage.engine, "primary"), "SIGSTOP");
      await servedBy("secondary");
    });
    await servedBy("primary");
    await trio.recovered("primary", at);
  });

  test("gets no traffic while it is paused, as in maintenance, and gets it again", async () => {
    await servedBy("primary");
    await stage.docker("pause", "primary");
    await until("it to be in maintenance", async () =>
      (await proxy.servers()).get("shop/primary")?.startsWith("MAINT"),
    );
    await servedBy("secondary");
    await stage.docker("unpause", "primary");
    await servedBy("primary");
  });

  test("keeps its primary when the coordinator that it asks is gone", async () => {
    await servedBy("primary");
    await trio.kill("c1");
    await until("HAProxy to know", async () =>
      (await proxy.servers()).get("coordinators/c1")?.startsWith("DOWN"),
    );
    assert.match((await proxy.servers()).get("shop/primary") ?? "", /^UP/);
    await servedBy("primary");
    trio.startCoordinator("c1");
  });
});
