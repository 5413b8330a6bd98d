// Every command that the README names exists, and is run by a test or by continuous integration.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { runCommandLine } from "../coordinator/cli/run.ts";

const root = path.dirname(import.meta.dirname);
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
const readme = read("README.md");
const scripts = (JSON.parse(read("package.json")) as { scripts: Record<string, string> }).scripts;

/** What runs each, and the words by which that is found there. */
const runBy: Readonly<Record<string, readonly [file: string, words: string]>> = {
  "npm ci": [".ci/run", "step npm ci"],
  "npm test": [".ci/run", "step npm test"],
  "npm run check": [".ci/run", "step npm run check"],
  "npm run sim -- --figures --seeds 10 --minutes 5": [
    "test/sim/seeds.real.test.ts",
    "measureFigures(",
  ],
  "npm run sim -- --seeds 1000": ["test/sim/seeds.real.test.ts", "runFleet("],
  "npm run sim -- --replay FILE": ["test/e2e/recorder.real.test.ts", '"--replay"'],
  "heartmesh record": ["test/e2e/recorder.real.test.ts", '"record"'],
  "npm run chaos -- --minutes 5 --seed 1": ["test/e2e/chaos/chaos.real.test.ts", "runChaos("],
  "npm run bench": [".ci/run", "step npm run bench"],
  "npm run bench -- heal": [".ci/run", "step npm run bench"],
  "npm run bench -- loss": [".ci/run", "step npm run bench"],
  "npm run bench -- api": [".ci/run", "step npm run bench"],
  "npm run bench -- migrate": [".ci/run", "step npm run bench"],
  "npm run demo": [".ci/run", "step npm run demo"],
  "npm run demo -- --json": [".ci/run", "step npm run demo -- --json"],
  // The same run, without its last step.
  "npm run demo -- --keep": [".ci/run", "step npm run demo"],
  // The first half of `npm test`.
  "npm run test:unit": [".ci/run", "step npm test"],
  "npm run build": ["test/lab/trio.ts", '"run", "--silent", "build"'],
  "docker compose -f compose/compose.yaml -f compose/compose.proxy.yaml up -d": [
    "test/compose/compose.real.test.ts",
    "compose.proxy.yaml",
  ],
  "docker build --target coordinator --tag heartmesh-coordinator:local --file compose/Dockerfile compose/build":
    ["test/lab/stack.ts", '"build"'],
  "docker build --target agent --tag heartmesh-agent:local --file compose/Dockerfile compose/build":
    ["test/lab/stack.ts", '"build"'],
  "sh compose/heartmesh.sh init": ["test/compose/commands.real.test.ts", 'works("init")'],
  "sh compose/heartmesh.sh run": ["test/compose/commands.real.test.ts", 'works("run")'],
  "sh compose/heartmesh.sh stop": ["test/compose/commands.real.test.ts", 'works("stop")'],
  "sh compose/deploy.sh": ["test/lab/stack.ts", '"compose/deploy.sh"'],
  'curl -H "Authorization: Bearer $HEARTMESH_TOKEN" http://127.0.0.1:8080/api/swarm/health': [
    "test/e2e/swarm-api.real.test.ts",
    "/api/swarm/health",
  ],
  'curl -H "Authorization: Bearer $HEARTMESH_TOKEN" --json \'{"replicas":3}\' http://127.0.0.1:8080/api/swarm/services/web/scale':
    ["test/e2e/swarm-api.real.test.ts", "/api/swarm/services/web/scale"],
  'curl -H "Authorization: Bearer $HEARTMESH_TOKEN" -X PUT --json \'{"min":1,"max":6,"target":0.6,"cooldown":60}\' http://127.0.0.1:8080/api/swarm/services/web/scaling':
    ["test/e2e/scaling.real.test.ts", '"PUT", "--json"'],
  "heartmesh backup FILE": ["test/e2e/backup.real.test.ts", '"backup"'],
  "heartmesh restore FILE": ["test/e2e/backup.real.test.ts", '"restore"'],
  'curl -H "Authorization: Bearer $HEARTMESH_TOKEN" http://127.0.0.1:8080/api/clusters': [
    "test/e2e/swarms.real.test.ts",
    "/api/clusters",
  ],
  'curl -H "Authorization: Bearer $HEARTMESH_TOKEN" --json \'{"id":"shop"}\' http://127.0.0.1:8080/clusters':
    ["test/e2e/clusters.real.test.ts", '{ id: "web" }'],
  'curl -H "Authorization: Bearer $HEARTMESH_TOKEN" --json \'{"id":"n1","host":"10.0.0.1","port":2375,"capacity":10}\' http://127.0.0.1:8080/clusters/shop/nodes':
    ["test/e2e/clusters.real.test.ts", '"/clusters/web/nodes"'],
  'curl -H "Authorization: Bearer $HEARTMESH_TOKEN" -H "Idempotency-Key: order-1" --json \'{"container":{"image":"nginx","env":{"COLOUR":"blue"}},"replicas":3}\' http://127.0.0.1:8080/clusters/shop/service':
    ["test/e2e/clusters.real.test.ts", '"/clusters/web/service"'],
  'curl -H "Authorization: Bearer $HEARTMESH_TOKEN" http://127.0.0.1:8080/clusters/shop/stats': [
    "test/e2e/clusters.real.test.ts",
    '"/clusters/web/stats"',
  ],
  // As any other.
  "heartmesh coordinators add h4=coordinator-h4:7700": [
    "test/e2e/coordinators.real.test.ts",
    '"add"',
  ],
  "echo -n PING | nc -u -w1 <worker> 8888": ["test/agent/sidecar.real.test.ts", "PING"],
  "heartmesh agent": ["test/agent/agent-process.ts", "bin.ts"],
  "heartmesh announce": ["test/coordinator/announce/announcer.real.test.ts", '"announce"'],
  "heartmesh coordinator": ["test/lab/trio.ts", '[command, "coordinator"]'],
  "heartmesh coordinators": ["test/e2e/coordinators.real.test.ts", '"coordinators"'],
  "heartmesh coordinators add c4=host:7700": ["test/e2e/coordinators.real.test.ts", '"add"'],
  "heartmesh coordinators remove c1": ["test/e2e/coordinators.real.test.ts", '"remove"'],
  "heartmesh explain <worker>": ["test/coordinator/cli/run.test.ts", '"explain"'],
  "heartmesh hosts": ["test/e2e/plan.real.test.ts", '"hosts"'],
  "heartmesh failback": ["test/e2e/moves.real.test.ts", '"failback"'],
  "heartmesh failback <host>": ["test/e2e/moves.real.test.ts", '"failback"'],
  "heartmesh migrate <service>": ["test/e2e/moves-fenced.real.test.ts", '"migrate"'],
  "heartmesh plan <host>": ["test/e2e/plan.real.test.ts", '"plan"'],
  "heartmesh drain <host>": ["test/e2e/maintenance.real.test.ts", '"drain"'],
  "heartmesh activate <host>": ["test/e2e/maintenance.real.test.ts", '"activate"'],
  "heartmesh doctor": ["test/e2e/doctor.real.test.ts", '"doctor"'],
  "heartmesh notify test": ["test/coordinator/cli/run.test.ts", '["notify", "test"]'],
  "heartmesh help": ["test/coordinator/cli/help.test.ts", '["help"]'],
  "heartmesh help <verb>": ["test/coordinator/cli/help.test.ts", '["help", name]'],
  "heartmesh revive <worker> --wait": ["test/e2e/people.real.test.ts", '"--wait"'],
  "heartmesh explain <worker> --at 3h": ["test/coordinator/cli/moment.test.ts", '"--at"'],
  "heartmesh explain --at 2026-11-22T03:12": ["test/coordinator/cli/moment.test.ts", '"--at"'],
  "heartmesh events -f": ["test/coordinator/cli/run.test.ts", '"events", "-f"'],
  "heartmesh completion fish | source": [
    "test/coordinator/cli/completion.real.test.ts",
    '"completion", shell',
  ],
};

/** In blocks for a shell, and between backticks in a sentence; `a && b` are two. */
function commands(text: string): readonly string[] {
  const blocks = [...text.matchAll(/```sh\n([^`]*)```/g)].flatMap(([, body = ""]) =>
    body.split("\n"),
  );
  const inline = [...text.replaceAll(/```[^`]*```/g, "").matchAll(/`([^`\n]+)`/g)]
    .map(([, body = ""]) => body)
    .filter((body) => /^(npm|npx|node|docker|docker-compose|echo|curl|git|heartmesh) /.test(body));
  return [...blocks, ...inline]
    .flatMap((line) => line.split(" && "))
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

test("each is run somewhere", () => {
  const found = commands(readme);
  assert.ok(found.includes("npm run demo") && found.includes("npm test"), "the two commands");
  for (const command of found) {
    const known = Object.hasOwn(runBy, command) ? runBy[command] : undefined;
    assert.ok(known !== undefined, `the README names a command that nothing runs: ${command}`);
    const [file, words] = known;
    assert.ok(read(file).includes(words), `${file} runs ${command} no more`);
  }
});

test("scripts of npm, benchmarks and files that it names exist", () => {
  for (const [, script = ""] of readme.matchAll(/npm run ([a-z:]+)/g)) {
    assert.ok(Object.hasOwn(scripts, script), `npm run ${script}`);
  }
  for (const [, bench = ""] of readme.matchAll(/npm run bench -- ([a-z]+)/g)) {
    assert.ok(existsSync(path.join(root, "test", "bench", `${bench}.ts`)), bench);
  }
  for (const [, file = ""] of readme.matchAll(/\]\(([a-z][^)#:]*)\)/g)) {
    assert.ok(existsSync(path.join(root, file)), file);
  }
});

test("verbs of the command line are those that it has", async () => {
  let usage = "";
  const terminal = {
    out: (text: string): void => {
      usage += text;
    },
    err: (text: string): void => {
      usage += text;
    },
  };
  assert.equal(await runCommandLine(["help"], {}, terminal as never), 0);
  const section = /### The command line\n([^#]*?)\n\|/.exec(readme)?.[1] ?? "";
  const verbs = [...section.matchAll(/`([a-z][a-z-]*)(?: <(?:worker|host)>)?`/g)].map(
    ([, verb = ""]) => verb,
  );
  assert.ok(verbs.length >= 12, verbs.join(" "));
  for (const verb of verbs) {
    assert.match(usage, new RegExp(`^\\s*(heartmesh )?${verb}\\b`, "m"), verb);
  }
});
