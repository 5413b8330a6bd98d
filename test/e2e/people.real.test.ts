// What people get of a whole mesh: each story once in every channel, a call while somebody leads, and what each token may, from any coordinator and by the command line.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Message } from "../../coordinator/notify/message.ts";
import type { EventView, RecoveryView, WorkerView } from "../../proto/rest.ts";
import { crash } from "../lab/containers.ts";
import { run, startEngine, type LabEngine, type Ran } from "../lab/engine.ts";
import { ensureImages } from "../lab/images.ts";
import { Receivers, type Deliveries } from "../lab/receivers.ts";
import { needs } from "../lab/requirements.ts";
import { Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { pause, until } from "../waiting.ts";

const command = path.join(fileURLToPath(new URL("../../dist", import.meta.url)), "heartmesh.mjs");
const webhookSecret = "the webhook's secret";
const tokens = {
  viewer: "a-viewers-token-0123456789",
  operator: "an-operators-token-0123456789",
  admin: "an-admins-token-0123456789",
};
const name = "web";

describe("people", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let receivers: Receivers;
  let trio: Trio;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    receivers = await Receivers.start(engine);
    const { slack, webhook, deadman, smtp } = receivers.addresses;
    trio = await Trio.start(engine, {
      token: tokens.admin,
      env: {
        VERIFY_WINDOW: "1",
        SLACK_WEBHOOK_URL: slack,
        WEBHOOK_URL: webhook,
        WEBHOOK_SECRET: webhookSecret,
        DEADMAN_URL: deadman,
        SMTP_URL: smtp,
        SMTP_FROM: "mesh@example.org",
        SMTP_TO: "ann@example.org,bob@example.org",
        API_TOKENS: `eve:viewer:${tokens.viewer},olga:operator:${tokens.operator},ada:admin:${tokens.admin}`,
      },
    });
    await startWorker(trio, { name, arrangement: "joins-worker" });
    await trio.verdict(name, "healthy");
  });

  after(async () => {
    await trio.stop();
    receivers.stop();
    await engine.stop();
  });

  const follower = async (): Promise<string> => {
    const leader = await trio.leader();
    const id = trio.ids.find((other) => other !== leader) ?? "";
    // It may have been started a moment ago.
    await until(`${id} to answer`, () => trio.status(id).catch(() => undefined), 20_000, 100);
    return id;
  };
  const heartmesh = (token: string, id: string, ...words: readonly string[]): Promise<Ran> =>
    run(process.execPath, [command, ...words], {
      env: { PATH: process.env["PATH"], HEARTMESH_URL: trio.url(id), HEARTMESH_TOKEN: token },
    });
  const told = async (id: string, ...words: readonly string[]): Promise<string> => {
    const ran = await heartmesh(tokens.operator, id, ...words);
    assert.equal(ran.code, 0, `heartmesh ${words.join(" ")}: ${ran.stdout}${ran.stderr}`);
    return ran.stdout;
  };
  const messagesOf = ({ webhook }: Deliveries): readonly Message[] =>
    webhook.map(({ body }) => JSON.parse(body) as Message);
  const aboutWorker = (all: Deliveries): readonly Message[] =>
    messagesOf(all).filter(({ worker }) => worker === `lab/${name}`);

  test("are told of a recovery's begin and end, once in each channel, by the leader", async () => {
    const at = Date.now();
    await crash(engine, name);
    await trio.recovered(name, at);
    await until(
      "both messages everywhere",
      async () => {
        const all = await receivers.deliveries();
        const mails = all.mails.filter(({ text }) => text.includes(`lab/${name}`));
        return aboutWorker(all).length >= 2 && mails.length >= 2;
      },
      20_000,
      250,
    );
    // A second coordinator would tell within this time as well.
    await pause(2_000);
    const all = await receivers.deliveries();
    const messages = aboutWorker(all);
    assert.deepEqual(
      messages.map(({ severity, opens, by }) => ({ severity, opens, by })),
      [
        { severity: "warning", opens: true, by: await trio.leader() },
        { severity: "resolved", opens: false, by: await trio.leader() },
      ],
    );
    for (const { thread } of messages) assert.equal(thread, messages[0]?.thread);
    const toSlack = all.slack.filter(({ body }) => body.includes(`lab/${name}`));
    assert.equal(toSlack.length, 2);
    const mails = all.mails.filter(({ text }) => text.includes(`lab/${name}`));
    assert.equal(mails.length, 2);
    for (const { to } of mails) assert.deepEqual(to, ["ann@example.org", "bob@example.org"]);
    for (const { headers, body } of all.webhook) {
      const signature = String(headers["x-heartmesh-signature"]);
      const [, seconds = ""] = /^t=(\d+),v1=/.exec(signature) ?? [];
      const mac = createHmac("sha256", webhookSecret).update(`${seconds}.${body}`).digest("hex");
      assert.equal(signature, `t=${seconds},v1=${mac}`);
    }
    // Every minute, by the one that holds the lease; sooner by one that gets it anew, as on a busy machine.
    assert.ok(all.deadman.length >= 1 && all.deadman.length <= 3, `${all.deadman.length} calls`);
  });

  test("are told once that the leader has changed", async () => {
    const leader = await trio.leader();
    const before = messagesOf(await receivers.deliveries()).length;
    await trio.kill(leader);
    const next = await trio.leader();
    trio.startCoordinator(leader);
    const changes = async (): Promise<readonly Message[]> =>
      messagesOf(await receivers.deliveries())
        .slice(before)
        .filter(({ kind }) => kind === "leader-changed");
    await until("the message", async () => (await changes()).length > 0, 20_000, 250);
    await pause(2_000);
    assert.deepEqual(
      (await changes()).map(({ by }) => by),
      [next],
    );
  });

  test("may do what their tokens say, and no more", async () => {
    const id = await follower();
    const ask = async (token: string, method: string, what: string): Promise<number> => {
      const response = await fetch(`${trio.url(id)}/api/v1/${what}`, {
        method,
        headers: token === "" ? {} : { authorization: `Bearer ${token}` },
      });
      await response.body?.cancel();
      return response.status;
    };
    const revive = `workers/${encodeURIComponent(`lab/${name}`)}/revive`;
    assert.equal(await ask("", "GET", "workers"), 401);
    assert.equal(await ask("no-such-token-0123456789", "GET", "workers"), 401);
    assert.equal(await ask(tokens.viewer, "GET", "workers"), 200);
    assert.equal(await ask(tokens.viewer, "POST", revive), 403);
    assert.equal(await ask(tokens.viewer, "POST", "notify-test"), 403);
  });

  test("revive a worker by way of a follower: the leader does it, and the record says who asked", async () => {
    const id = await follower();
    const at = Date.now();
    const story = await told(id, "revive", `lab/${name}`, "--reason", "it looks odd", "--wait");
    assert.match(story, /^lab\/web: recovered after [\d.]+ m?s and 1 try \(recovery /m);
    await trio.recovered(name, at);
    const events = await trio.events();
    const asked = events.find(({ text }) => text.includes("olga") && text.includes("it looks odd"));
    assert.ok(asked !== undefined, JSON.stringify(events.slice(0, 5)));
  });

  test("read by the command line, from any coordinator, what happened and why", async () => {
    for (const id of trio.ids) {
      assert.match(await told(id, "status"), new RegExp(await trio.leader()));
      const workers = JSON.parse(await told(id, "workers", "--json")) as WorkerView[];
      assert.equal(workers.find((one) => one.id === `lab/${name}`)?.verdict, "healthy");
      const recoveries = JSON.parse(await told(id, "recoveries", "--json")) as RecoveryView[];
      assert.equal(recoveries.filter(({ worker }) => worker === `lab/${name}`).length, 2);
      const story = await told(id, "explain", `lab/${name}`);
      assert.match(story, /healthy/);
      assert.match(story, /exited with code 137/);
      assert.match(await told(id, "events", "--kind", "recovered"), /lab\/web/);
    }
    assert.match(await told(await follower(), "doctor"), /nothing/i);
    assert.match(await told(await follower(), "queues"), /^revival +0 +0 +0 +0 +[1-9]/m);
    const then = await told(await follower(), "explain", "--at", "1s");
    assert.match(then, /Until then:\n(.*\n)*.*recovered lab\/web/);
    const refused = await heartmesh(tokens.viewer, await follower(), "revive", `lab/${name}`);
    assert.equal(refused.code === 0, false);
    assert.match(refused.stderr, /403|operator/);
  });

  test("silence a worker, see it left alone, and take that back", async () => {
    const id = await follower();
    await told(id, "silence", `lab/${name}`, "--for", "10m", "--reason", "we are at it");
    await crash(engine, name);
    await trio.verdict(name, "stopped");
    await pause(3_000);
    const state = await engine.docker("inspect", "-f", "{{.State.Running}}", name);
    assert.equal(state.stdout.trim(), "false");
    assert.match(await told(id, "explain", `lab/${name}`), /we are at it/);
    const at = Date.now();
    await told(id, "unsilence", `lab/${name}`);
    await trio.recovered(name, at);
  });

  test("follow the events through a follower while it lives", async () => {
    const id = await follower();
    const stop = new AbortController();
    const response = await fetch(`${trio.url(id)}/api/v1/events`, {
      headers: { authorization: `Bearer ${tokens.viewer}`, accept: "text/event-stream" },
      signal: stop.signal,
    });
    assert.equal(response.status, 200);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const chunk of response.body!) seen.push(Buffer.from(chunk).toString("utf8"));
    })().catch(() => undefined);
    const at = Date.now();
    await crash(engine, name);
    await trio.recovered(name, at);
    const kinds = (): readonly EventView["kind"][] =>
      [...seen.join("").matchAll(/^data: (.*)$/gm)].map(
        ([, data = "{}"]) => (JSON.parse(data) as EventView).kind,
      );
    await until("the end of the recovery", () => kinds().includes("recovered"), 10_000, 100);
    assert.ok(kinds().includes("recovery-enqueued"));
    stop.abort();
    await reading;
  });

  test("test every channel at once", async () => {
    const before = await receivers.deliveries();
    const text = await told(await follower(), "notify", "test");
    for (const channel of ["slack", "webhook", "email"]) assert.match(text, new RegExp(channel));
    const now = await receivers.deliveries();
    assert.ok(now.slack.length > before.slack.length);
    assert.ok(now.mails.length > before.mails.length);
    assert.ok(messagesOf(now).some(({ kind }) => kind === "test"));
  });
});
