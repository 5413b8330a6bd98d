// Whatever somebody with the mesh's key says, in whatever order: no coordinator fails over it, and all that it says afterwards can travel.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { CoordinatorOutput } from "../../../coordinator/core/exchange.ts";
import { decodeMessage, encodeMessage, fitsDatagram } from "../../../proto/codec.ts";
import { payloadBytes } from "../../../proto/frame.ts";
import { limits } from "../../../proto/limits.ts";
import type { Message } from "../../../proto/messages.ts";
import { messageArbitrary } from "../../proto/arbitrary-message.ts";
import type { MeshHarness } from "./mesh-harness.ts";
import { mesh } from "./mesh-scenes.ts";
import { inFull } from "../../inner-loop.ts";

const ids = ["c1", "c2", "c3"];
const workers = ["h1/web", "h1/db", "h1/job"];
const runs = Number(process.env["RUNS"] ?? inFull(15));

interface Said {
  readonly to: string;
  readonly sender: string;
  readonly message: Message;
  /** Time that passes afterwards. */
  readonly then: number;
}

const said: fc.Arbitrary<Said> = fc.record({
  to: fc.constantFrom(...ids),
  sender: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...ids) },
    { weight: 1, arbitrary: fc.constantFrom("web-agent", "a stranger") },
  ),
  message: fc
    .tuple(messageArbitrary, fc.constantFrom(...workers), fc.boolean())
    .map(([message, worker, isKnown]) => (isKnown ? about(message, worker) : message)),
  then: fc.oneof(fc.constant(0), fc.nat({ max: 30 }), fc.constantFrom(100, 750, 5_000)),
});

/** The same, of a worker that is watched. */
function about(message: Message, worker: string): Message {
  switch (message.kind) {
    case "heartbeat":
      return { ...message, records: message.records.map((one) => ({ ...one, worker })) };
    case "doubt":
      return { ...message, questions: message.questions.map((one) => ({ ...one, worker })) };
    case "report":
      return { ...message, reports: message.reports.map((one) => ({ ...one, worker })) };
    case "announce":
    case "obituary":
    case "pong":
      return { ...message, name: `${worker.slice(3)}-agent` };
    default:
      return message;
  }
}

function withoutSet(message: Message): Message {
  if (!("set" in message)) return message;
  const { set: _set, ...rest } = message;
  if (!("members" in rest)) return rest;
  const { members: _members, ...plain } = rest;
  return plain;
}

/** From here on each of its steps is looked at. */
function watch(m: MeshHarness): void {
  for (const { id, core } of m.nodes.values()) {
    const step = core.step.bind(core);
    core.step = (input, now) => {
      const outputs = step(input, now);
      for (const output of outputs) canBePerformed(id, output);
      assert.ok(Number.isFinite(core.nextDeadline()), "its next deadline is a time");
      return outputs;
    };
  }
}

function canBePerformed(id: string, output: CoordinatorOutput): void {
  switch (output.kind) {
    case "send-peer":
    case "reply":
      assert.ok(encodeMessage(id, output.message).length <= payloadBytes);
      break;
    case "ping-worker":
      encodeMessage(id, { kind: "ping", nonce: output.nonce });
      assert.ok(output.port >= 1 && output.port <= 65_535);
      break;
    case "persist": {
      const { term, longestPromise } = output.ballot;
      assert.ok(term <= limits.counter && longestPromise <= limits.promise);
      break;
    }
    default:
      // It crosses to another thread, and some of it to JSON.
      assert.deepEqual(structuredClone(output), output);
  }
}

/** What of it arrives: only what can be encoded, as it is decoded. */
function hear(m: MeshHarness, { to, sender, message }: Said): void {
  if (!fitsDatagram(sender, message)) return;
  const decoded = decodeMessage(encodeMessage(sender, message));
  if (!decoded.ok) return;
  const address = `a-of-${sender}`;
  m.input(to, { kind: "datagram-received", port: 7700, address, ...decoded.value });
}

describe("messages that nobody should have sent, under the right key", () => {
  test("fail no coordinator, and what it says afterwards can travel", () => {
    fc.assert(
      fc.property(fc.array(said, { minLength: 20, maxLength: 120 }), fc.boolean(), (all, sets) => {
        const m = mesh({ names: ["web", "db", "job"] });
        watch(m);
        for (const one of all) {
          hear(m, sets ? one : { ...one, message: withoutSet(one.message) });
          m.pass(one.then);
        }
        m.pass(30_000);
        for (const id of ids) JSON.stringify(m.summary(id));
        // Who has the key and names other coordinators is believed: then others lead, or nobody.
        if (!sets) m.until(() => m.leader() !== "", 60_000, 100);
      }),
      { numRuns: runs },
    );
  });
});
