// Every way to name a Redis, and what is said of the others.

import assert from "node:assert/strict";
import { test } from "node:test";
import { describeRedis, parseRedisUrl } from "../../../coordinator/io/redis-url.ts";

const login = { username: undefined, password: undefined, db: 0 };

function parsed(url: string): unknown {
  const result = parseRedisUrl(url);
  assert.ok(result.ok, `${url}: ${result.ok ? "" : (result.detail ?? "")}`);
  return result.value;
}

test("one server, by TCP and by TLS, with port, login and database", () => {
  assert.deepEqual(parsed("redis://r"), {
    kind: "tcp",
    host: "r",
    port: 6379,
    tls: false,
    ...login,
  });
  assert.deepEqual(parsed("rediss://u%40:p%2Fw%3A@r.example:7000/3"), {
    kind: "tcp",
    host: "r.example",
    port: 7000,
    tls: true,
    username: "u@",
    password: "p/w:",
    db: 3,
  });
  assert.deepEqual(parsed("redis://:secret@[::1]:6380"), {
    kind: "tcp",
    host: "::1",
    port: 6380,
    tls: false,
    username: undefined,
    password: "secret",
    db: 0,
  });
});

test("a unix socket", () => {
  assert.deepEqual(parsed("unix:///run/redis.sock?db=2"), {
    kind: "unix",
    path: "/run/redis.sock",
    ...login,
    db: 2,
  });
});

test("a master through Sentinels, with and without ports, password and database", () => {
  assert.deepEqual(parsed("redis+sentinel://:pw@s1:26380,s2,[fe80::1]:7/mymaster/4"), {
    kind: "sentinel",
    sentinels: [
      { host: "s1", port: 26380 },
      { host: "s2", port: 26379 },
      { host: "fe80::1", port: 7 },
    ],
    name: "mymaster",
    tls: false,
    username: undefined,
    password: "pw",
    db: 4,
  });
});

test("what is no address is refused with the reason and what is expected", () => {
  for (const [url, reason] of [
    ["r:6379", /no URL/],
    ["http://r", /no way to reach Redis/],
    ["redis://r:70000", /not host/],
    ["redis://r/x", /number of a database/],
    ["redis://%zz:p@r", /percent-encoded/],
    ["unix://run/redis.sock", /absolute/],
    ["redis+sentinel://s1,s2", /master's name/],
    ["redis+sentinel://s1,/m", /of a Sentinel/],
    ["redis+sentinel://s1/m/0/1", /master-name/],
    ["redis+sentinel://s1/%zz", /percent-encoded/],
    ["unix:///%zz", /percent-encoded/],
  ] as const) {
    const result = parseRedisUrl(url);
    assert.ok(!result.ok, url);
    assert.match(result.detail ?? "", reason, url);
    assert.match(result.detail ?? "", /expected redis:\/\//);
  }
});

test("no description shows a password", () => {
  for (const url of ["redis://u:hidden@r", "redis+sentinel://:hidden@s1/m", "unix://:hidden@/s"]) {
    const result = parseRedisUrl(url);
    assert.ok(result.ok, url);
    assert.doesNotMatch(describeRedis(result.value), /hidden/);
  }
});
