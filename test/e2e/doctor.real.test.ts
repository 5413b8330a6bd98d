// The doctor against a real mesh: each setup is made wrong for real, the finding shows, and it is gone when that is mended.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { DoctorFinding, DoctorView } from "../../proto/doctor-rest.ts";
import { inNamespace, run, startEngine, type LabEngine, type Ran } from "../lab/engine.ts";
import { ensureImages, imageNames } from "../lab/images.ts";
import { needs } from "../lab/requirements.ts";
import { command, meshKey, Trio } from "../lab/trio.ts";
import { startWorker } from "../lab/workers.ts";
import { until } from "../waiting.ts";

const token = "a-doctors-token-0123456789";
/** What each coordinator of this test is told, and would rather not be. */
const chosen = ["faults-allowed", "channels-missing", "deadman-missing"];

describe("the doctor", { skip: needs("root", "engine", "redis") }, () => {
  let engine: LabEngine;
  let trio: Trio;

  before(async () => {
    engine = await startEngine({ name: "lab" });
    await ensureImages(engine, ["worker", "node"]);
    const env = { API_TOKENS: `ada:admin:${token}`, FAULT_INJECTION: "1" };
    trio = await Trio.start(engine, { token, env });
    await startWorker(trio, { name: "web", arrangement: "joins-worker" });
    await trio.verdict("web", "healthy");
  });

  after(async () => {
    await trio.stop();
    await engine.stop();
  });

  const heartmesh = (id: string, ...words: readonly string[]): Promise<Ran> =>
    run(process.execPath, [command, ...words], {
      env: { PATH: process.env["PATH"], HEARTMESH_URL: trio.url(id), HEARTMESH_TOKEN: token },
    });
  const examined = async (id = "c1"): Promise<DoctorView> => {
    const { code, stdout, stderr } = await heartmesh(id, "doctor", "--json");
    assert.equal(stderr, "");
    const view = JSON.parse(stdout) as DoctorView;
    assert.equal(code, view.findings.every(({ grade }) => grade === "advice") ? 0 : 1);
    return view;
  };
  const findings = async (): Promise<readonly DoctorFinding[]> =>
    (await examined()).findings.filter(({ code }) => !chosen.includes(code));
  const found = (code: string, subject?: string): Promise<DoctorFinding> =>
    until(
      code,
      async () =>
        (await findings()).find(
          (one) => one.code === code && (subject === undefined || one.subject === subject),
        ),
      60_000,
      500,
    );
  const mended = (code: string): Promise<unknown> =>
    until(
      `${code} to be mended`,
      async () => !(await findings()).some((one) => one.code === code),
      60_000,
      500,
    );

  test("a sound mesh has no finding but what its settings leave open, told by all three", async () => {
    const view = await until("soundness", async () => {
      const one = await examined();
      return one.findings.length === chosen.length ? one : undefined;
    });
    assert.deepEqual(view.findings.map(({ code }) => code).sort(), chosen.toSorted());
    for (const { by } of view.findings) assert.deepEqual(by, trio.ids);
    assert.ok(view.coordinators.every(({ answers, version }) => answers && version !== null));
    const { code, stdout } = await heartmesh("c2", "doctor");
    assert.equal(code, 1);
    assert.match(stdout, /^2 warnings, 1 piece of advice\. Told by c1, c2, c3\.$/m);
  });

  test("a Redis that keeps nothing is found by all, until it keeps what it is told", async () => {
    const set = (value: string): Promise<Ran> =>
      run("nsenter", [
        `--net=/var/run/netns/${engine.netns}`,
        ...["redis-cli", "config", "set", "appendonly", value],
      ]);
    assert.match((await set("no")).stdout, /OK/);
    const one = await found("redis-volatile");
    assert.equal(one.grade, "warning");
    assert.deepEqual(one.by, trio.ids);
    assert.match(one.remedy, /appendonly yes/);
    assert.match((await set("yes")).stdout, /OK/);
    await mended("redis-volatile");
  });

  test("a worker without a check, one with a label that nobody can read, and one asked by tcp alone", async () => {
    const add = (name: string, ...labels: readonly string[]): Promise<unknown> =>
      engine.docker(
        ...["run", "-d", "--name", name, "--label", "role=node"],
        ...labels.flatMap((label) => ["--label", label]),
        ...[imageNames.worker, "sleep", "1d"],
      );
    await add("bare");
    await add("mistaken", "heartmesh.check-interval=often");
    await add("shallow", "heartmesh.check=tcp://172.17.0.200:8000");
    await found("unwatched", "lab/bare");
    const label = await found("label-invalid", "lab/mistaken");
    assert.match(label.found, /check-interval/);
    await found("tcp-sees-no-hang", "lab/shallow");
    await engine.docker("rm", "-f", "bare", "mistaken", "shallow");
    for (const code of ["unwatched", "label-invalid", "tcp-sees-no-hang"]) await mended(code);
  });

  test("coordinators whose link is cut, each by its own word, and not once it is mended", async () => {
    const link = async (wish: 0 | 1): Promise<void> => {
      const answer = await fetch(`${trio.url("c2")}/connections`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ [`127.0.0.1:${trio.meshPort("c3")}`]: wish }),
      });
      assert.equal(answer.status, 200, await answer.text());
    };
    await link(0);
    const one = await found("peer-unheard", "c2 → c3");
    assert.deepEqual(one.by, ["c2"]);
    assert.deepEqual((await found("peer-unheard", "c3 → c2")).by, ["c3"]);
    await link(1);
    await mended("peer-unheard");
  });

  test("a coordinator that is stopped is missed by the others, until it runs again", async () => {
    await trio.kill("c3");
    const one = await found("coordinator-silent", "c3");
    assert.match(one.found, /ECONNREFUSED/);
    await found("peer-unheard", "c1 → c3");
    trio.startCoordinator("c3");
    await mended("coordinator-silent");
    await mended("peer-unheard");
  });

  test("where none answers: a socket without rights, a port that is held, a Redis that is away", async (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), "heartmesh-doctor-"));
    t.after(() => {
      rmSync(dir, { recursive: true });
    });
    chmodSync(dir, 0o777);
    const nobody = 65_534;
    const here = async (
      uid: number,
      more: Record<string, string> = {},
    ): Promise<readonly string[]> => {
      const as = ["--reuid", String(uid), "--regid", String(uid), "--clear-groups"];
      const words = [...as, process.execPath, command, "doctor", "--json"];
      const child = inNamespace(engine, "setpriv", words, {
        stdio: ["ignore", "pipe", "inherit"],
        env: {
          PATH: process.env["PATH"],
          HEARTMESH_URL: "http://127.0.0.1:1",
          COORDINATOR_ID: "c1",
          COORDINATORS: trio.seed(...trio.ids),
          COORDINATOR_URLS: trio.ids.map((id) => `${id}=http://127.0.0.1:1`).join(","),
          MESH_KEY: meshKey,
          MESH_PORT: "7799",
          DATA_DIR: dir,
          REDIS_URL: "redis://127.0.0.1:6379",
          DOCKER_HOST: `lab=${engine.host}`,
          ...more,
        },
      });
      let text = "";
      child.stdout?.setEncoding("utf8").on("data", (some: string) => {
        text += some;
      });
      await new Promise((resolve) => child.once("close", resolve));
      return (JSON.parse(text) as DoctorView).findings.map(({ code }) => code);
    };
    const open = ["tokens-missing", "channels-missing", "deadman-missing"];
    // The port is another than COORDINATORS says, since the coordinator itself holds that one.
    const sound = ["coordinator-silent", "config-warning", ...open];
    const wanted = [...sound].sort().join(" ");
    assert.equal([...new Set(await here(0))].sort().join(" "), wanted);
    assert.ok((await here(nobody)).includes("socket-rights"));
    assert.ok((await here(0, { REDIS_URL: "redis://127.0.0.1:1" })).includes("redis-unreachable"));
    assert.ok((await here(0, { MESH_PORT: String(trio.meshPort("c1")) })).includes("port-taken"));
    chmodSync(dir, 0o700);
    assert.ok((await here(nobody)).includes("disk-unwritable"));
  });
});
