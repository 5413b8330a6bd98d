// Runs in an engine's network namespace: carries datagrams to and fro, each after a delay, remembers some, and sends them again as an attacker would.

import { createSocket, type Socket } from "node:dgram";
import { setTimeout as sleep } from "node:timers/promises";
import type { Abuse, FromWire, ToWire, WireWay } from "./wire.ts";

interface Place {
  readonly address: string;
  readonly port: number;
}

interface Captured {
  readonly bytes: Buffer;
  readonly from: Socket;
  readonly to: Place;
}

/** Oldest first. */
const captures: Captured[] = [];
/** Of each receiver, the latest: an early one may never have arrived, and be news when it is repeated. */
const kept = 12;
/** Few enough for any socket's buffer. */
const burst = 10;
const tooLong = 1_201;

const keyOf = ({ address, port }: Place): string => `${address}:${port}`;

function carry(bytes: Buffer, from: Socket, to: Place, delayMs: number): void {
  captures.push({ bytes, from, to });
  const own = captures.filter((one) => keyOf(one.to) === keyOf(to));
  const [oldest] = own;
  if (oldest !== undefined && own.length > kept) captures.splice(captures.indexOf(oldest), 1);
  setTimeout(() => {
    from.send(bytes, to.port, to.address);
  }, delayMs);
}

async function lay({ port, to, delayMs }: WireWay): Promise<void> {
  const entry = createSocket("udp4");
  const exits = new Map<string, Socket>();
  entry.on("message", (bytes, client) => {
    let exit = exits.get(keyOf(client));
    if (exit === undefined) {
      exit = createSocket("udp4");
      exit.on("message", (answer) => {
        carry(answer, entry, client, delayMs);
      });
      // A closed port is the receiver's affair.
      exit.on("error", () => undefined);
      exits.set(keyOf(client), exit);
    }
    carry(bytes, exit, to, delayMs);
  });
  await new Promise<void>((resolve) => entry.bind(port, "127.0.0.1", resolve));
}

/** What can be made of a datagram without its key, and how the receiver should count it. */
function* abusesOf(bytes: Buffer): Generator<readonly [Abuse, Buffer]> {
  yield ["replayed", bytes];
  yield ["too-short", bytes.subarray(0, 20)];
  yield ["bad-mac", bytes.subarray(0, -1)];
  const flipped = Buffer.from(bytes);
  flipped[flipped.length - 20]! ^= 1;
  yield ["bad-mac", flipped];
  yield ["too-long", Buffer.concat([bytes, Buffer.alloc(tooLong)])];
}

async function abuse(): Promise<FromWire> {
  const sent: Record<string, Partial<Record<Abuse, number>>> = {};
  let count = 0;
  for (const { bytes, from, to } of captures.splice(0)) {
    for (const [kind, bad] of abusesOf(bytes)) {
      from.send(bad, to.port, to.address);
      const counts = (sent[keyOf(to)] ??= {});
      counts[kind] = (counts[kind] ?? 0) + 1;
      if (++count % burst === 0) await sleep(20);
    }
  }
  return { kind: "abused", sent };
}

function tell(): FromWire {
  const carried: Record<string, string[]> = {};
  for (const { bytes, to } of captures) (carried[keyOf(to)] ??= []).push(bytes.toString("base64"));
  return { kind: "told", carried };
}

async function carryOut(message: ToWire): Promise<FromWire> {
  switch (message.kind) {
    case "lay":
      await lay(message.way);
      return { kind: "laid" };
    case "abuse":
      return abuse();
    case "tell":
      return tell();
  }
}

process.on("message", (message: ToWire) => {
  void carryOut(message).then((answer) => process.send?.(answer));
});
process.on("disconnect", () => process.exit(0));
