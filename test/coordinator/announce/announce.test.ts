// What the announcer is told, and where it announces: the environment, and a machine's network interfaces.

import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { describe, test } from "node:test";
import {
  parseAnnouncerConfig,
  type AnnouncerConfig,
} from "../../../coordinator/announce/config.ts";
import { placesOf } from "../../../coordinator/announce/places.ts";

describe("the announcer's environment", () => {
  const accepted = (env: Record<string, string>): AnnouncerConfig => {
    const outcome = parseAnnouncerConfig(env);
    assert.ok(outcome.ok, outcome.ok ? "" : outcome.problems.join("\n"));
    return outcome.config;
  };
  const refused = (env: Record<string, string>): readonly string[] => {
    const outcome = parseAnnouncerConfig(env);
    assert.ok(!outcome.ok, "expected problems");
    return outcome.problems;
  };

  test("needs nothing: the defaults are heartmesh.local, port 8000 and all addresses", () => {
    assert.deepEqual(accepted({}), { label: "heartmesh", port: 8000, addresses: [] });
  });

  test("has a name in any letters, which may be empty: then nothing is announced", () => {
    assert.equal(accepted({ PUBLIC_NAME: " Shop-2.LOCAL " }).label, "shop-2");
    assert.equal(accepted({ PUBLIC_NAME: `${"a".repeat(63)}.local` }).label, "a".repeat(63));
    assert.equal(accepted({ PUBLIC_NAME: "" }).label, undefined);
    assert.equal(accepted({ PUBLIC_NAME: " " }).label, undefined);
  });

  test("is refused where nobody could resolve the name, in words that say what is expected", () => {
    const wrong = [
      ...["heartmesh", "heartmesh.org", "local", ".local", "a.b.local", "heartmesh.local."],
      ...["-a.local", "a-.local", "a_b.local", "a b.local", "ä.local", `${"a".repeat(64)}.local`],
    ];
    for (const PUBLIC_NAME of wrong) {
      const [problem = "", ...more] = refused({ PUBLIC_NAME });
      assert.deepEqual(more, []);
      assert.ok(problem.startsWith(`PUBLIC_NAME: "${PUBLIC_NAME}" cannot be announced`), problem);
      assert.match(problem, /such as heartmesh\.local$/);
    }
  });

  test("takes a list of addresses", () => {
    const { addresses } = accepted({ PUBLIC_ADDRESS: "10.0.0.1, 192.168.1.2," });
    assert.deepEqual(addresses, ["10.0.0.1", "192.168.1.2"]);
  });

  test("is told with all its problems at once, a misspelt name among them", () => {
    const problems = refused({
      PUBLIC_NAMES: "x",
      PUBLIC_NAME: "x",
      PUBLIC_PORT: "70000",
      PUBLIC_ADDRESS: "10.0.0.1,fe80::1",
    });
    assert.equal(problems.length, 4, problems.join("\n"));
    assert.match(problems.join("\n"), /did you mean PUBLIC_NAME\?/);
    assert.match(problems.join("\n"), /PUBLIC_PORT: "70000" is not a port/);
    assert.match(problems.join("\n"), /PUBLIC_ADDRESS: "fe80::1" is not an IPv4 address/);
  });
});

describe("the interfaces that are announced on", () => {
  const info = (address: string, netmask = "255.255.255.0"): NetworkInterfaceInfo => ({
    address,
    netmask,
    family: "IPv4",
    mac: "02:00:00:00:00:01",
    internal: address.startsWith("127."),
    cidr: null,
  });
  const v6: NetworkInterfaceInfo = {
    ...info("fe80::1", "ffff:ffff:ffff:ffff::"),
    family: "IPv6",
    scopeid: 2,
  };
  const machine = {
    lo: [info("127.0.0.1", "255.0.0.0")],
    eth0: [v6, info("192.168.1.10"), info("192.168.1.11")],
    "br-lan": [info("192.168.2.1")],
    docker0: [info("172.17.0.1", "255.255.0.0")],
    "br-0123456789ab": [info("172.18.0.1", "255.255.0.0")],
    docker_gwbridge: [info("172.19.0.1", "255.255.0.0")],
    veth12ab: [info("169.254.1.1", "255.255.0.0")],
    wg0: [info("10.9.0.2", "255.255.255.255")],
    wlan0: [v6],
    none: undefined,
  };

  test("are those with neighbours, each with its first IPv4 address", () => {
    assert.deepEqual(placesOf(machine, []), [
      { name: "eth0", address: "192.168.1.10" },
      { name: "br-lan", address: "192.168.2.1" },
    ]);
  });

  test("are those that were asked for, where the machine has them", () => {
    const wanted = ["172.17.0.1", "192.168.2.1", "192.168.1.11", "10.0.0.1"];
    assert.deepEqual(placesOf(machine, wanted), [
      { name: "br-lan", address: "192.168.2.1" },
      { name: "docker0", address: "172.17.0.1" },
    ]);
  });
});
