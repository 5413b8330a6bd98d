// Which container an agent's name means, and which containers belong together.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  agentOf,
  composeOf,
  containerNamed,
  hasWorkerLabel,
  namedBeside,
  namespaceOf,
  type AgentMatch,
} from "../../../coordinator/core/mapping.ts";
import type { ContainerView } from "../../../coordinator/core/worker.ts";
import { container, spec } from "./recovery-specs.ts";

const labelled = (service: string, over: Record<string, string> = {}): Record<string, string> => ({
  "com.docker.compose.project": "shop",
  "com.docker.compose.service": service,
  ...over,
});
const view = (name: string, over: Partial<ContainerView> = {}): ContainerView =>
  container(name, { state: "running", ...over });
const agent = (name: string, over: Partial<ContainerView> = {}): ContainerView =>
  view(name, { ...over, labels: labelled(name, { "heartmesh.agent": "true", ...over.labels }) });
const foundAgent = (match: AgentMatch): string =>
  match.kind === "one" ? match.agent.name : match.kind;

describe("an agent belongs to a worker", () => {
  test("whose network namespace it joined", () => {
    const web = view("web");
    const all = [web, agent("a", { networkMode: "container:id-web" }), view("db"), agent("b")];
    assert.equal(foundAgent(agentOf(web, all)), "a");
    assert.equal(foundAgent(agentOf(all[2]!, all)), "none");
  });

  test("that joined the namespace of the agent", () => {
    const web = view("web", { networkMode: "container:id-a" });
    assert.equal(foundAgent(agentOf(web, [web, agent("a")])), "a");
  });

  test("by a short id, or by a name, as some tools write the namespace", () => {
    for (const mode of ["container:0123456789ab", "container:web"]) {
      const web = view("web", { id: "0123456789abcdef0123" });
      assert.equal(foundAgent(agentOf(web, [web, agent("a", { networkMode: mode })])), "a", mode);
    }
  });

  test("that its label names, wherever it stands", () => {
    const web = view("web");
    const named = agent("a", { labels: { "heartmesh.worker": "web" } });
    assert.equal(foundAgent(agentOf(web, [web, view("db"), named])), "a");
  });

  test("and not to its neighbour in the namespace, where its label names another", () => {
    const web = view("web");
    const cache = view("cache", { networkMode: "container:id-web" });
    const its = { networkMode: "container:id-web" };
    const all = [
      web,
      cache,
      agent("a", { ...its, labels: { "heartmesh.worker": "web" } }),
      agent("b", { ...its, labels: { "heartmesh.worker": "cache" } }),
    ];
    assert.equal(foundAgent(agentOf(web, all)), "a");
    assert.equal(foundAgent(agentOf(cache, all)), "b");
  });

  test("and several agents are none", () => {
    const web = view("web");
    const its = { networkMode: "container:id-web" };
    assert.equal(foundAgent(agentOf(web, [web, agent("a", its), agent("b", its)])), "several");
    const named = agent("c", { labels: { "heartmesh.worker": "web" } });
    assert.equal(foundAgent(agentOf(web, [web, agent("a", its), named])), "several");
  });

  test("and one that is being removed beside its successor is none of them", () => {
    const web = view("web");
    const its = { networkMode: "container:id-web" };
    const going = agent("old", { ...its, state: "removing" });
    assert.equal(foundAgent(agentOf(web, [web, going, agent("a", its)])), "a");
  });

  test("that it does not watch where another container alone shares the namespace", () => {
    const web = view("web");
    const all = [web, view("log", { networkMode: "container:id-web" })];
    assert.equal(foundAgent(agentOf(web, all)), "none");
  });
});

describe("a network namespace", () => {
  test("is owned by the one that the others joined; the worker itself is no member", () => {
    const web = view("web");
    const a = agent("a", { networkMode: "container:id-web" });
    const { owner, members } = namespaceOf(web, [web, a, view("db")]);
    assert.equal(owner, web);
    assert.deepEqual(members, [a]);
  });

  test("of a worker inside another's holds the owner and the others", () => {
    const a = agent("a");
    const web = view("web", { networkMode: "container:id-a" });
    const log = view("log", { networkMode: "container:id-a" });
    const { owner, members } = namespaceOf(web, [web, a, log]);
    assert.equal(owner, a);
    assert.deepEqual(members, [a, log]);
  });

  test("whose owner is gone has none, and its members are still found", () => {
    const web = view("web", { networkMode: "container:gone" });
    const log = view("log", { networkMode: "container:gone" });
    const { owner, members } = namespaceOf(web, [web, log]);
    assert.equal(owner, undefined);
    assert.deepEqual(members, [log]);
  });
});

describe("an agent's name means", () => {
  const named = (...containers: ContainerView[]) =>
    containers.map((one) => ({ container: one, agent: undefined }));
  const find = (name: string, ...containers: ContainerView[]): string => {
    const match = containerNamed(name, named(...containers));
    return match.kind === "one" ? match.container.name : match.kind;
  };

  test("the worker that has the name as its label, before any other rule", () => {
    const shop = view("shop-web-1", { labels: labelled("web", { "heartmesh.worker": "db" }) });
    assert.equal(find("db", view("db"), shop), "shop-web-1");
  });

  test("the container of that name, before a Compose service of that name", () => {
    const other = view("shop-x-1", { labels: labelled("web") });
    assert.equal(find("web", other, view("web", { labels: {} })), "web");
  });

  test("the Compose service, with its index and its project, as either version writes it", () => {
    const number = "com.docker.compose.container-number";
    const one = view("x1", { labels: labelled("web", { [number]: "1" }) });
    const two = view("x2", { labels: labelled("web", { [number]: "2" }) });
    for (const name of ["web-2", "web_2", "shop-web-2", "shop_web_2"]) {
      assert.equal(find(name, one, two), "x2", name);
    }
    assert.equal(find("web", one, two), "several");
    assert.equal(find("web", one), "x1");
    assert.equal(find("web-3", one, two), "none");
  });

  test("the host name of the worker, or of its agent's container", () => {
    const web = view("web", { id: "0123456789abcdef", hostname: "h-web" });
    const workers = [{ container: web, agent: agent("side", { hostname: "h-side" }) }];
    for (const name of ["h-web", "0123456789ab", "side", "h-side"]) {
      const match = containerNamed(name, workers);
      assert.equal(match.kind === "one" && match.container, web, name);
    }
  });

  test("nothing where it is empty or unknown", () => {
    assert.equal(find("", view("web", { hostname: "" })), "none");
    assert.equal(find("nobody", view("web")), "none");
  });
});

test("a worker label is a key, or a key with a value", () => {
  const web = view("web", { labels: { role: "node", autoheal: "" } });
  assert.ok(hasWorkerLabel(web, ["role=node"]));
  assert.ok(hasWorkerLabel(web, ["x", "autoheal"]));
  assert.ok(!hasWorkerLabel(web, ["role=web", "role=", "node"]));
});

test("Compose's names are known where both labels stand", () => {
  assert.deepEqual(composeOf(view("web")), { project: "shop", service: "web", number: "1" });
  assert.equal(composeOf({ labels: { "com.docker.compose.project": "shop" } }), undefined);
});

describe("a dependency", () => {
  const of = (host: string, name: string) =>
    spec(`${host}/${name}`, {
      container: view(`shop-${name}-1`, { host, labels: labelled(name) }),
    });
  const web = of("h1", "web");

  test("is named by id, by container, or by service in the same project", () => {
    const db = of("h1", "db");
    for (const name of ["h1/db", "shop-db-1", "db"]) {
      assert.equal(namedBeside(name, web, [web, db]), "h1/db", name);
    }
    assert.equal(namedBeside("cache", web, [web, db]), undefined);
  });

  test("of a service is on the same host, for a project of that name elsewhere is another one", () => {
    assert.equal(namedBeside("db", web, [of("h1", "db"), of("h2", "db")]), "h1/db");
    assert.equal(namedBeside("db", web, [of("h2", "db")]), undefined);
  });
});
