// Slack and the signed webhook against a real HTTP listener, e-mail against a real SMTP server.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test, type TestContext } from "node:test";
import { isCoded } from "../../../proto/coded-error.ts";
import { emailChannel } from "../../../coordinator/notify/email.ts";
import { messageOf, type Message } from "../../../coordinator/notify/message.ts";
import { slackChannel } from "../../../coordinator/notify/slack.ts";
import { webhookChannel } from "../../../coordinator/notify/webhook.ts";
import { event, listenHttp, listenSmtp, secret, type HttpListener } from "./listeners.ts";

const crash = messageOf(
  event({
    recovery: "7.3.abc",
    evidence: [{ kind: "engine-event", by: "h1", text: "die, <exit> 137" }],
  }),
  undefined,
  "prod",
);

async function http(t: TestContext): Promise<HttpListener> {
  const listener = await listenHttp();
  t.after(() => listener.close());
  return listener;
}

test("Slack gets Block Kit with the worker, the time, the evidence and the recovery's short name", async (t) => {
  const listener = await http(t);
  await slackChannel(secret(listener.url)).send(crash);
  const [request] = listener.received;
  assert.equal(request?.headers["content-type"], "application/json; charset=utf-8");
  const body = JSON.parse(request.body) as { text: string; blocks: { type: string }[] };
  assert.match(body.text, /web-1 failed and is being revived/);
  assert.deepEqual(
    body.blocks.map((one) => one.type),
    ["section", "section", "context"],
  );
  const whole = JSON.stringify(body.blocks);
  assert.match(whole, /At 03:12:07 UTC: web-1 crashed \(exit 137\)\./);
  assert.match(whole, new RegExp(`recovery ${crash.thread}`));
  assert.match(whole, /&lt;exit&gt; 137/, "what looks like markup is escaped");
});

test("a text longer than Slack takes is cut, not refused", async (t) => {
  const listener = await http(t);
  const long: Message = { ...crash, title: "x".repeat(5000), text: "y".repeat(9000) };
  await slackChannel(secret(listener.url)).send(long);
  const body = JSON.parse(listener.received[0]!.body) as {
    blocks: { text?: { text: string } }[];
  };
  for (const block of body.blocks) assert.ok((block.text?.text.length ?? 0) <= 3000);
});

test("the webhook's signature is what a listener computes by itself from the documented recipe", async (t) => {
  const listener = await http(t);
  const webhook = { url: secret(listener.url), secret: secret("shared between us") };
  await webhookChannel(webhook).send(crash);
  const { headers, body } = listener.received[0]!;
  const match = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["x-heartmesh-signature"]));
  const expected = createHmac("sha256", "shared between us")
    .update(`${match?.[1] ?? ""}.${body}`)
    .digest("hex");
  assert.equal(match?.[2], expected);
  assert.ok(Math.abs(Number(match[1]) - Date.now() / 1000) < 5);
  assert.equal(headers["x-heartmesh-delivery"], crash.id);
  const sent = JSON.parse(body) as Record<string, unknown>;
  assert.equal(sent.version, 1);
  assert.equal(sent.worker, "h1/web-1");
  assert.equal(sent.kind, "recovery-enqueued");
});

test("without a secret the webhook sends no signature rather than an empty one", async (t) => {
  const listener = await http(t);
  await webhookChannel({ url: secret(listener.url), secret: undefined }).send(crash);
  assert.equal(listener.received[0]?.headers["x-heartmesh-signature"], undefined);
});

test("a listener that fails and then succeeds: a coded failure without the URL, then delivery", async (t) => {
  const listener = await http(t);
  listener.answers.splice(0, 1, 503, 200);
  const channel = slackChannel(secret(listener.url));
  await assert.rejects(channel.send(crash), (error: unknown) => {
    assert.ok(isCoded(error, "HM_NOTIFY_FAILED"));
    assert.equal(error.detail, "slack: answered 503 not now");
    assert.ok(!error.message.includes("s3cret"));
    return true;
  });
  await channel.send(crash);
  assert.equal(listener.received.length, 2);
});

test("a redirect is a failure: a signed message follows nobody", async (t) => {
  const listener = await http(t);
  listener.answers.splice(0, 1, 302);
  await assert.rejects(slackChannel(secret(listener.url)).send(crash), /answered 302/);
  assert.equal(listener.received.length, 1);
});

test("a listener that never answers is given up in bounded time", async (t) => {
  const listener = await http(t);
  listener.answers.splice(0, 1, "hang");
  const began = performance.now();
  const channel = webhookChannel({ url: secret(listener.url), secret: undefined }, Date.now, 200);
  await assert.rejects(channel.send(crash), /no answer within 200 ms/);
  assert.ok(performance.now() - began < 2000);
});

test("a closed port is a coded failure that says so", async () => {
  const listener = await listenHttp();
  await listener.close();
  await assert.rejects(slackChannel(secret(listener.url)).send(crash), (error: unknown) => {
    assert.ok(isCoded(error, "HM_NOTIFY_FAILED"));
    assert.match(error.detail, /ECONNREFUSED/);
    return true;
  });
});

const headerOf = (mail: string, name: string): string | undefined =>
  new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, "im").exec(mail)?.[1]?.replace(/\r\n\s+/g, " ");

test("all mails of one recovery are one thread, and another recovery is another", async (t) => {
  const server = await listenSmtp();
  t.after(() => server.close());
  const channel = emailChannel({
    url: secret(`smtp://127.0.0.1:${server.port}`),
    from: "heartmesh <hm@example.org>",
    to: ["ops@example.org", "night@example.org"],
  });
  const at = crash.at + 812;
  const story = { beganAt: crash.at, tries: 1 };
  const healed = event({ kind: "recovered", recovery: "7.3.abc", at, text: "" });
  const other = event({ recovery: "8.3.def", worker: "h1/web-2" });
  await channel.send(crash);
  await channel.send(messageOf(healed, story, "prod"));
  await channel.send(messageOf(other, undefined, "prod"));
  const [first, second, third] = server.mails.map((one) => one.text);
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  assert.deepEqual(server.mails[0]?.to, ["ops@example.org", "night@example.org"]);
  const root = headerOf(first, "Message-ID");
  assert.match(root ?? "", /^<recovery-[0-9a-f]{8}@prod\.heartmesh>$/);
  assert.equal(headerOf(first, "In-Reply-To"), undefined);
  assert.equal(headerOf(second, "In-Reply-To"), root);
  assert.equal(headerOf(second, "References"), root);
  assert.notEqual(headerOf(second, "Message-ID"), root);
  assert.equal(headerOf(second, "Subject"), `Re: ${headerOf(first, "Subject") ?? ""}`);
  assert.notEqual(headerOf(third, "Message-ID"), root);
  assert.match(second, /healthy again 0\.8 s after its failure was found \(1 try\)/);
});

test("a server that refuses the receiver is a coded failure with its words", async (t) => {
  const server = await listenSmtp({
    onRcptTo(_address, _session, done) {
      done(new Error("no such person"));
    },
  });
  t.after(() => server.close());
  const url = secret(`smtp://127.0.0.1:${server.port}`);
  const channel = emailChannel({ url, from: "hm@example.org", to: ["nobody@example.org"] });
  await assert.rejects(channel.send(crash), (error: unknown) => {
    assert.ok(isCoded(error, "HM_NOTIFY_FAILED"));
    assert.match(error.detail, /no such person/);
    return true;
  });
});

test("a mail server that greets nobody is given up in bounded time", async (t) => {
  const server = await listenSmtp({
    onConnect() {
      // Never answers.
    },
  });
  t.after(() => server.close());
  const url = secret(`smtp://127.0.0.1:${server.port}`);
  const channel = emailChannel({ url, from: "hm@example.org", to: ["ops@example.org"] }, 300);
  const began = performance.now();
  await assert.rejects(channel.send(crash), (error) => isCoded(error, "HM_NOTIFY_FAILED"));
  assert.ok(performance.now() - began < 2000);
});

test("a mail server's password never stands in an error", async (t) => {
  const server = await listenSmtp({
    authOptional: false,
    onAuth(_auth, _session, done) {
      done(new Error("wrong login"));
    },
  });
  t.after(() => server.close());
  const url = secret(`smtp://me:hunter2hunter2@127.0.0.1:${server.port}`);
  const channel = emailChannel({ url, from: "hm@example.org", to: ["ops@example.org"] });
  await assert.rejects(channel.send(crash), (error: unknown) => {
    assert.ok(isCoded(error, "HM_NOTIFY_FAILED"));
    assert.ok(!JSON.stringify([error.detail, String(error)]).includes("hunter2"));
    return true;
  });
});
