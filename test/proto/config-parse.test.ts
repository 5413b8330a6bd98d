// Units, address lists, secrets and misspelt names of the environment.

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import {
  levenshtein,
  misspelt,
  parseAddress,
  parseAddressList,
  parseDuration,
  parseFlag,
  parseInteger,
  parsePort,
  secretFromFile,
  secretSource,
  type Parsed,
} from "../../proto/config-parse.ts";

const valueOf = <Value>(outcome: Parsed<Value>): Value | string =>
  outcome.ok ? outcome.value : (outcome.detail ?? "");

describe("durations", () => {
  it("takes a bare number as seconds, and every unit", () => {
    const cases = {
      "5": 5000,
      "0.5": 500,
      "5s": 5000,
      "500ms": 500,
      "2m": 120_000,
      "1h": 3_600_000,
    };
    for (const [text, ms] of Object.entries(cases)) equal(valueOf(parseDuration(text)), ms, text);
    equal(valueOf(parseDuration("1m30s")), 90_000);
    equal(valueOf(parseDuration("30d")), 2_592_000_000);
  });

  it("refuses what is none, and says what was expected", () => {
    for (const text of ["", "-1", "5 s", "s", "1e3", "NaN", "5sec", "5s!", "0x10"]) {
      const outcome = parseDuration(text);
      equal(outcome.ok, false, text);
      equal(valueOf(outcome), `"${text}" is not a duration; expected 5, 5s or 500ms`);
    }
  });
});

describe("numbers and flags", () => {
  it("keeps whole numbers within their bounds", () => {
    equal(valueOf(parseInteger("3", 1, 7)), 3);
    for (const text of ["0", "8", "1.5", "x", ""]) equal(parseInteger(text, 1, 7).ok, false, text);
    equal(parsePort("65536").ok, false);
    equal(valueOf(parsePort("8888")), 8888);
  });

  it("reads yes and no", () => {
    equal(valueOf(parseFlag("1")), true);
    equal(valueOf(parseFlag("No")), false);
    equal(parseFlag("maybe").ok, false);
  });
});

describe("addresses", () => {
  it("reads names with hosts and ports, also IPv6", () => {
    deepEqual(valueOf(parseAddressList("c1=10.0.0.1:7700, c2=host-2:7701,c3=[::1]:7702")), [
      { name: "c1", host: "10.0.0.1", port: 7700 },
      { name: "c2", host: "host-2", port: 7701 },
      { name: "c3", host: "::1", port: 7702 },
    ]);
    deepEqual(valueOf(parseAddressList("c1=coordinator1", 7700)), [
      { name: "c1", host: "coordinator1", port: 7700 },
    ]);
    deepEqual(valueOf(parseAddressList("")), []);
  });

  it("names the part that is wrong", () => {
    equal(valueOf(parseAddressList("c1=a:1,c1=b:2")), '"c1" stands twice');
    equal(
      valueOf(parseAddressList("c1=a:1,b:2")),
      '"b:2" has no usable name; expected name=host:port',
    );
    equal(valueOf(parseAddressList("c1=a")), '"a" is not an address; expected host:port');
    equal(valueOf(parseAddressList("c1=a:0")), '"0" is not a port; expected 1 to 65535');
    equal(parseAddress("a b:1").ok, false);
  });
});

describe("secrets", () => {
  it("come as a value or as a file, never as both", () => {
    deepEqual(secretSource({}, "MESH_KEY"), { kind: "none" });
    deepEqual(secretSource({ MESH_KEY: "" }, "MESH_KEY"), { kind: "none" });
    deepEqual(secretSource({ MESH_KEY: "k" }, "MESH_KEY"), { kind: "value", value: "k" });
    deepEqual(secretSource({ MESH_KEY_FILE: "/f" }, "MESH_KEY"), { kind: "file", path: "/f" });
    deepEqual(secretSource({ MESH_KEY: "k", MESH_KEY_FILE: "/f" }, "MESH_KEY"), { kind: "both" });
  });

  it("lose the line's end that an editor added", () => {
    equal(secretFromFile("a b\r\n"), "a b");
  });
});

describe("misspelt names", () => {
  const known = ["WORKER_CHECK", "WORKER_NAME", "COORDINATORS", "LOG_LEVEL"];

  it("are found with what was meant", () => {
    deepEqual(misspelt({ WORKER_CHEK: "x", COORDINATOR: "y", log_level: "z" }, known), [
      { name: "WORKER_CHEK", meant: "WORKER_CHECK" },
      { name: "COORDINATOR", meant: "COORDINATORS" },
      { name: "log_level", meant: "LOG_LEVEL" },
    ]);
  });

  it("are not suspected among a worker's own variables", () => {
    deepEqual(misspelt({ PATH: "", HOME: "", WORKER_CHECK: "", DATABASE_URL: "" }, known), []);
  });

  it("are found behind a prefix that only ours have", () => {
    const ours = ["WORKER_CHECK", "WORKER_CHECK_TIMEOUT", "WORKER_NAME"];
    const env = { WORKER_CHECK_TIME: "1", HEARTMESH_WORKER_NAME: "w", WORKER_CHECK_TIMEOUT: "1" };
    deepEqual(misspelt(env, ours, ["WORKER_CHECK_", "HEARTMESH_"]), [
      { name: "WORKER_CHECK_TIME", meant: "WORKER_CHECK_TIMEOUT" },
      { name: "HEARTMESH_WORKER_NAME", meant: "WORKER_NAME" },
    ]);
  });

  it("are measured by letters added, removed or replaced", () => {
    equal(levenshtein("kitten", "sitting"), 3);
    equal(levenshtein("", "abc"), 3);
    equal(levenshtein("same", "same"), 0);
  });
});
