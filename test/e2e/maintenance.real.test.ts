// Maintenance of a host of a real Swarm: emptied and given work again by the command line, asked of any coordinator.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { EventView, HostSwitchView } from "../../proto/rest.ts";
import { run, type Ran } from "../lab/engine.ts";
import { needs } from "../lab/requirements.ts";
import { startSwarm, type SwarmLab } from "../lab/swarm.ts";
import { SwarmTrio } from "../lab/swarm-trio.ts";
import { until } from "../waiting.ts";

const tokens = { operator: "operator-token-0123456789", viewer: "viewer-token-0123456789" };
const command = fileURLToPath(new URL("../../dist/heartmesh.mjs", import.meta.url));

describe("maintenance of a host", { skip: needs("root", "engine", "redis") }, () => {
  let lab: SwarmLab;
  let trio: SwarmTrio;
  /** Neither the leader's own, nor the one that is asked. */
  let host: string;
  let follower: string;

  before(async () => {
    const labels = { h1: { type: "primary" }, h2: { type: "primary" }, h3: { type: "primary" } };
    lab = await startSwarm({ managers: 3, images: ["worker"], labels });
    const all = Object.entries(tokens).map(([role, token]) => `${role}:${token}`);
    trio = await SwarmTrio.start(lab, { API_TOKENS: all.join(",") });
    await lab.createService("web", ["--mode", "global"]);
    const leader = await trio.leader();
    [host = "", follower = ""] = lab.hosts.map(({ name }) => name).filter((one) => one !== leader);
  });
  after(async () => {
    await trio.stop();
    await lab.stop();
  });

  const heartmeshAs = (token: string, ...words: readonly string[]): Promise<Ran> =>
    run(process.execPath, [command, ...words, "--url", trio.url(follower)], {
      env: { HEARTMESH_TOKEN: token },
    });
  const heartmesh = (...words: readonly string[]): Promise<Ran> =>
    heartmeshAs(tokens.operator, ...words);
  const switched = async (...words: readonly string[]): Promise<HostSwitchView> => {
    const ran = await heartmesh(...words, "--json");
    assert.equal(ran.code, 0, ran.stderr);
    return JSON.parse(ran.stdout) as HostSwitchView;
  };
  const events = async (): Promise<readonly EventView[]> =>
    (await trio.events(await trio.leader())).filter(({ kind }) => kind === "host-switched");

  test("a host is emptied by a word to a follower, and the plan is told beside it", async (t) => {
    const begun = Date.now();
    const told = await switched("drain", host, "--reason", "a new disk");
    t.diagnostic(
      `drain by a follower: ${Date.now() - begun} ms, the command line's start included`,
    );
    assert.deepEqual([told.before, told.after], ["active", "drain"]);
    const { availability, labels } = await lab.node(host);
    assert.deepEqual([availability, labels], ["drain", { type: "primary" }]);
    assert.deepEqual([told.plan.host.name, told.plan.cause], [host, "drain"]);
    assert.deepEqual(
      told.plan.services.map(({ name }) => name),
      ["web"],
    );
    const plan = await heartmesh("plan", host);
    assert.match(plan.stdout, /^When .* \(now ready, drain\) is emptied, of 1 services/);
    await lab.untilRunning("web", 2);
    await trio.verdict(host, "draining", begun);
    const [event] = await events();
    assert.match(
      event?.text ?? "",
      new RegExp(`switched host ${host} from active to drain: a new`),
    );
  });

  test("it is done once, whoever asks again", async () => {
    const again = await switched("drain", host);
    assert.deepEqual([again.before, again.after], ["drain", "drain"]);
    assert.match(again.text, /is drained already: nothing was changed$/);
    assert.equal((await events()).length, 1);
  });

  test("it takes work again", async () => {
    const ran = await heartmesh("activate", host);
    assert.equal(ran.stdout.trim(), `${host} takes work from now on; it was drained.`);
    assert.equal((await lab.node(host)).availability, "active");
    await lab.untilRunning("web", 3);
  });

  test("what somebody else changes on the node at the same time is kept", async () => {
    const meddle = async (): Promise<void> => {
      for (let at = 0; at < 5; at++) {
        const words = ["node", "update", "--label-add", `step=${at}`, host];
        // The command line gives up where we were the faster.
        await until("a label is taken", () => lab.docker(...words).catch(() => undefined));
      }
    };
    const turns = async (): Promise<void> => {
      for (const verb of ["drain", "activate", "drain"]) await switched(verb, host);
    };
    await Promise.all([meddle(), turns()]);
    const { availability, labels } = await lab.node(host);
    assert.deepEqual([availability, labels], ["drain", { type: "primary", step: "4" }]);
    await switched("activate", host);
  });

  test("a viewer may not, and a host that nobody knows is told as such", async () => {
    const viewer = await heartmeshAs(tokens.viewer, "drain", host);
    assert.equal(viewer.code, 1);
    assert.match(viewer.stderr, /403/);
    assert.equal((await lab.node(host)).availability, "active");
    const unknown = await heartmesh("drain", "h9");
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /No host is called h9/);
  });
});
