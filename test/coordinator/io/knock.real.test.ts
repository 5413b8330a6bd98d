// A question by TCP to real listeners, closed ports and addresses that cannot be reached.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { knock } from "../../../coordinator/io/knock.ts";

async function listening(): Promise<{ readonly port: number; close(): Promise<unknown> }> {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, close: () => once(server.close(), "close") };
}

test("a connection that is accepted or refused is an answer", async () => {
  const server = await listening();
  const target = { host: "127.0.0.1", port: server.port, timeout: 2_000 };
  assert.equal(await knock(target), "accepted");
  await server.close();
  assert.equal(await knock(target), "refused");
});

test("the network's word that nobody is there is none", async () => {
  // The kernel connects to no broadcast address: ENETUNREACH.
  assert.equal(await knock({ host: "255.255.255.255", port: 2377, timeout: 500 }), "none");
});

test("what our own side cannot do is no word on the host", async () => {
  // A unicast address of IPv6 that needs an interface, without one: EINVAL.
  assert.equal(await knock({ host: "fe80::1", port: 2377, timeout: 500 }), "failed");
});
