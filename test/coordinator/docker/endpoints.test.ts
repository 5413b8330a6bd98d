// How `DOCKER_HOST` and its companions are read.

import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointText, parseEngines, parseSwarms } from "../../../coordinator/docker/endpoints.ts";
import { agreedVersion } from "../../../coordinator/docker/api-version.ts";

const parsed = (env: Parameters<typeof parseEngines>[0]) => {
  const result = parseEngines(env);
  assert.ok(result.ok, result.ok ? "" : result.problems.join("; "));
  return result.value;
};
const problems = (env: Parameters<typeof parseEngines>[0]): string => {
  const result = parseEngines(env);
  assert.ok(!result.ok);
  return result.problems.join("\n");
};

test("nothing given means the usual socket, for reads and writes", () => {
  const socket = { kind: "unix", path: "/var/run/docker.sock" };
  assert.deepEqual(parsed({}), [{ name: "", read: socket, write: socket }]);
  assert.deepEqual(parsed({ DOCKER_HOST: " " })[0]?.read, socket);
});

test("a list of every kind, with and without names", () => {
  const engines = parsed({
    DOCKER_HOST: "unix:///a.sock, h2=tcp://10.0.0.2, ssh://deploy@h3:2222, h4=tcp://[fd00::4]:999",
  });
  assert.deepEqual(
    engines.map((engine) => [engine.name, endpointText(engine.read)]),
    [
      ["", "unix:///a.sock"],
      ["h2", "tcp://10.0.0.2:2375"],
      ["", "ssh://deploy@h3:2222"],
      ["h4", "tcp://[fd00::4]:999"],
    ],
  );
});

test("TLS is for tcp alone, with its own port and files", () => {
  const [tcp, unix] = parsed({
    DOCKER_HOST: "tcp://h,unix:///s",
    DOCKER_CERT_PATH: "/certs",
  });
  const tls = { ca: "/certs/ca.pem", cert: "/certs/cert.pem", key: "/certs/key.pem" };
  assert.deepEqual(tcp?.read, { kind: "tcp", host: "h", port: 2376, tls });
  assert.deepEqual(unix?.read, { kind: "unix", path: "/s" });
});

test("writes go elsewhere by name, or by place, and each engine must have its own", () => {
  const byPlace = parsed({
    DOCKER_HOST: "unix:///r1,unix:///r2",
    DOCKER_WRITE_HOST: "unix:///w1,unix:///w2",
  });
  assert.deepEqual(
    byPlace.map((engine) => endpointText(engine.write)),
    ["unix:///w1", "unix:///w2"],
  );
  const byName = parsed({
    DOCKER_HOST: "a=unix:///r1,b=unix:///r2",
    DOCKER_WRITE_HOST: "b=unix:///w2,a=unix:///w1",
  });
  assert.deepEqual(
    byName.map((engine) => endpointText(engine.write)),
    ["unix:///w1", "unix:///w2"],
  );
  assert.match(
    problems({ DOCKER_HOST: "a=unix:///r1,b=unix:///r2", DOCKER_WRITE_HOST: "unix:///w" }),
    /DOCKER_WRITE_HOST has no endpoint for a.*\n.*for b/,
  );
});

test("all problems are told at once, each with what was expected", () => {
  const text = problems({
    DOCKER_HOST: "unix://relative,http://h:1,a=unix:///x,a=unix:///y,tcp://h,tcp://h:2375",
  });
  assert.match(text, /"unix:\/\/relative" names no absolute path/);
  assert.match(text, /"http:\/\/h:1" is not an engine's address; expected unix:/);
  assert.match(text, /names two engines "a"/);
  assert.match(text, /DOCKER_HOST names tcp:\/\/h:2375 twice/);
});

test("the API version is the newest that both speak", () => {
  assert.equal(agreedVersion("1.41", "1.12"), "1.41");
  assert.equal(agreedVersion("1.99", "1.44"), "1.51");
  assert.equal(agreedVersion("2.3", "2.0"), undefined);
  assert.equal(agreedVersion(undefined, undefined), undefined);
});

test("SWARMS are named, by commas or lines, their engines by blanks, each with files of its own where there is a directory", () => {
  const read = (SWARMS: string, more: { readonly SWARMS_CERT_PATH?: string } = {}) => {
    const outcome = parseSwarms({ SWARMS, DOCKER_CERT_PATH: "/certs", ...more });
    assert.ok(outcome.ok, outcome.ok ? "" : outcome.problems.join());
    return outcome.value.map(({ name, engines }) => [
      name,
      ...engines.map((one) => {
        const { kind } = one.read;
        const ca = one.read.kind === "tcp" ? one.read.tls?.ca : kind;
        return `${one.name} ${endpointText(one.read)} ${ca}`;
      }),
    ]);
  };
  const two = "prod=tcp://10.0.0.1:2376  h2=tcp://10.0.0.2,\nlab=unix:///run/lab.sock\n";
  assert.deepEqual(read(two), [
    ["prod", " tcp://10.0.0.1:2376 /certs/ca.pem", "h2 tcp://10.0.0.2:2376 /certs/ca.pem"],
    ["lab", " unix:///run/lab.sock unix"],
  ]);
  const [prod] = read(two, { SWARMS_CERT_PATH: "/swarms" });
  assert.equal(prod?.[1], " tcp://10.0.0.1:2376 /swarms/prod/ca.pem");
});

test("SWARMS that cannot be told apart or reached are all named", () => {
  for (const [SWARMS, said] of [
    ["tcp://10.0.0.1", '"tcp://10.0.0.1" has no usable name'],
    ["a/b=tcp://10.0.0.1", "has no usable name"],
    ["=tcp://10.0.0.1", "has no usable name"],
    ["a=tcp://h:1,a=tcp://g:1", '"a" stands twice'],
    ["default=tcp://h:1", "is the Swarm of DOCKER_HOST; choose another"],
    ["a=", "a has no engine; expected name=tcp://host:port tcp://host:port,name=unix:///path"],
    ["a=http://h:1", 'SWARMS: a: "http://h:1" is not an engine\'s address'],
    ["a=tcp://h:1 tcp://h:1", "a names tcp://h:1 twice"],
    ["a=x=tcp://h:1 x=tcp://g:1", 'a names two engines "x"'],
    [Array.from({ length: 51 }, (_, at) => `s${at}=tcp://h:1`).join(), "at most 50"],
  ] as const) {
    const outcome = parseSwarms({ SWARMS });
    assert.ok(!outcome.ok && outcome.problems.join().includes(said), `${SWARMS}: ${said}`);
  }
  const both = parseSwarms({ SWARMS: "a b=tcp://h:1,c=ftp://h" });
  assert.equal(both.ok ? 0 : both.problems.length, 2);
});
