// Two Swarms beside the one that is watched, each by its name over one API: made, deployed to from one template, changed and followed, each apart.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SwarmClient, SwarmFailed } from "../../coordinator/swarm-client.ts";
import type { EventView } from "../../proto/rest.ts";
import { imageNames } from "../lab/images.ts";
import { startPlainHosts, type PlainHosts } from "../lab/plain-hosts.ts";
import { needs } from "../lab/requirements.ts";
import { run } from "../lab/engine.ts";
import { until } from "../waiting.ts";

const token = "admin-token-0123456789";
const login: readonly string[] = ["-s", "-H", `Authorization: Bearer ${token}`];

const template = `services:
  web:
    image: \${IMAGE:-${imageNames.worker}}
    # $$ is a dollar, and what is given is one word of the command.
    command: ["sh", "-c", "echo $$0 says $$1; sleep 1000", "it", "\${WORD}"]
    stop_grace_period: 1s
    deploy:
      replicas: \${REPLICAS}
    labels:
      says: "\${WORD}"
`;
/** Each would be more than a value if it came into the file before that is read. */
const nasty = "x\"]\n    privileged: true\n    command: ['reboot'] # ${PATH} $$ \\";

describe("several Swarms over HTTP", { skip: needs("root", "engine", "redis") }, () => {
  let plain: PlainHosts;
  let leader: string;

  before(async () => {
    plain = await startPlainHosts({
      API_TOKENS: `admin:${token}`,
      DOCKER_HOST: "h1=tcp://10.77.0.1:2375",
      SWARMS: "east=h3=tcp://10.77.0.3:2375,west=tcp://10.77.0.4:2375",
    });
    leader = await plain.trio.leader();
  });
  after(() => plain.stop());

  const of = (cluster: string, on = leader): SwarmClient =>
    new SwarmClient({ url: plain.trio.url(on), token, cluster });
  const ordered = async (host: string, ...words: readonly string[]): Promise<string> =>
    (await plain.engine(host).docker(...words)).stdout.trim();
  const failure = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => "",
      (error: unknown) => (error instanceof SwarmFailed ? `${error.status} ${error.message}` : ""),
    );
  const follower = (): string => ["h1", "h2", "h3"].find((host) => host !== leader) ?? "";

  test("each is begun by its name, and all are listed with what answers", async () => {
    const before = await of("default").clusters();
    assert.deepEqual(
      before.map(({ name, answers }) => [name, answers]),
      [
        ["default", false],
        ["east", false],
        ["west", false],
      ],
    );
    assert.match(before[1]?.text ?? "", /h3 is in no Swarm/);
    await of("east").init({ advertiseAddr: plain.address("h3") });
    await of("west", follower()).init({ advertiseAddr: plain.address("h4") });
    const curl = await run("curl", login.concat(`${plain.trio.url(follower())}/api/clusters`), {});
    const { data } = JSON.parse(curl.stdout) as { readonly data: typeof before };
    assert.deepEqual(
      data.map(({ name, endpoints, manager }) => [name, endpoints.join(), manager]),
      [
        ["default", "tcp://10.77.0.1:2375", null],
        ["east", "tcp://10.77.0.3:2375", "h3"],
        ["west", "tcp://10.77.0.4:2375", "tcp://10.77.0.4:2375"],
      ],
    );
    const ids = [await of("east").info(), await of("west").info()].map(({ id }) => id);
    const told = ["h3", "h4"].map((host) => ordered(host, "info", "-f", "{{.Swarm.Cluster.ID}}"));
    assert.deepEqual(ids, await Promise.all(told));
    assert.match(await failure(of("north").nodes()), /^404 .*there are default, east, west/);
    assert.match(await failure(of("default").nodes()), /^503 /);
  });

  test("one template is deployed to both; a value stays a value, whatever it holds", async () => {
    const parameters = [{ name: "REPLICAS", description: "how many" }];
    const put = { text: template, parameters, description: "a server" };
    await of("east", follower()).putTemplate("web", put);
    const known = await of("west").template("web");
    assert.deepEqual(
      known.parameters.map(({ name, required, default: fallback }) => [name, required, fallback]),
      [
        ["IMAGE", false, imageNames.worker],
        ["REPLICAS", true, null],
        ["WORD", true, null],
      ],
    );
    const never = { resolveImage: "never" } as const;
    const missing = { stack: "shop", parameters: { WORDS: "x" }, ...never };
    assert.equal(
      await failure(of("east").deployTemplate("web", missing)),
      "400 Template web: WORDS is no parameter of it; it has IMAGE, REPLICAS, WORD; REPLICAS is missing; WORD is missing.",
    );
    const wish = (REPLICAS: string, WORD: string) => ({
      ...{ stack: "shop", parameters: { REPLICAS, WORD }, ...never },
    });
    const east = await of("east", follower()).deployTemplate("web", wish("2", nasty));
    assert.deepEqual(
      east.services.map(({ service, outcome }) => `${service} ${outcome}`),
      ["shop_web created"],
    );
    await of("west").deployTemplate("web", wish("1", "plain"));
    assert.match(
      await failure(of("west").deployTemplate("web", wish("many", "x"))),
      /^400 .*deploy\.replicas/s,
    );
    const inspected = await ordered("h3", "service", "inspect", "shop_web");
    const [{ Spec }] = JSON.parse(inspected) as [
      { Spec: { TaskTemplate: { ContainerSpec: object }; Mode: object; Labels: object } },
    ];
    const { Args } = Spec.TaskTemplate.ContainerSpec as { readonly Args: readonly string[] };
    assert.deepEqual(Args, ["sh", "-c", "echo $0 says $1; sleep 1000", "it", nasty]);
    assert.deepEqual(Spec.Mode, { Replicated: { Replicas: 2 } });
    const said = await until("it says so", async () => {
      const lines = await of("east").logs("shop_web");
      return lines.find(({ text }) => text.startsWith("it says"))?.text;
    });
    assert.equal(said, `it says ${nasty.replaceAll(/\s+/g, " ")}`);
    assert.equal((await of("west").services({ stack: "shop" }))[0]?.desired, 1);
    assert.match(await failure(of("west").deployTemplate("none", wish("1", "x"))), /^404 .*none/);
  });

  test("what is changed in one is told of that one, and followed there alone", async () => {
    const abort = new AbortController();
    const seen: number[] = [];
    const follow = async (): Promise<void> => {
      const filter = { search: "SHOP" };
      const watch = { signal: abort.signal };
      for await (const [row] of of("west", follower()).watchServices(filter, watch)) {
        seen.push(row?.desired ?? -1);
      }
    };
    const following = follow().catch((error: unknown) => error);
    await until("the list", () => seen.length > 0);
    await of("east").scale("shop_web", 1);
    await of("west", follower()).scale("shop_web", 2);
    await until("the change", () => seen.at(-1) === 2);
    abort.abort();
    await following;
    // Its running tasks change the list too.
    assert.deepEqual([...new Set(seen)], [1, 2]);
    const told = await until("it is on record", async () => {
      const events = await plain.trio.get<readonly EventView[]>(
        leader,
        "events?changes=true&subject=shop_web",
      );
      return events.length === 2 ? events : undefined;
    });
    assert.deepEqual(
      told.map(({ change }) => [change?.cluster, change?.verb, change?.before, change?.after]),
      [
        ["west", "scale-service", "1", "2"],
        ["east", "scale-service", "2", "1"],
      ],
    );
    assert.equal((await of("east").services())[0]?.desired, 1);
  });

  test("what a Swarm loses is said; the others go on", async () => {
    await of("east").leave({ force: true });
    await until("its loss is told", async () => {
      const clusters = await of("west").clusters();
      return clusters.map(({ answers }) => answers).join() === "false,false,true" || undefined;
    });
    assert.match(await failure(of("east").nodes()), /^503 h3 is in no Swarm/);
    assert.equal((await of("west").nodes()).length, 1);
    await of("west").removeTemplate("web");
    assert.match(await failure(of("west").template("web")), /^404 There is no template web/);
    assert.match(await failure(of("west").removeTemplate("web")), /^404/);
    assert.deepEqual(await of("west").templates(), []);
  });
});
