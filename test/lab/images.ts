// Images for a lab engine without any registry: the programs of this machine, with the libraries that `ldd` names, and busybox.

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { LabEngine } from "./engine.ts";
import { labPrefix, markOwner } from "./leftovers.ts";

/**
 * `worker`: busybox alone, 2 MB · `node`: this machine's Node, for `ARG NODE_IMAGE` · `redis` · `haproxy`.
 */
export type LabImage = "worker" | "node" | "redis" | "haproxy";

/** What each is tagged as in the engine. */
export const imageNames: Readonly<Record<LabImage, string>> = {
  worker: "heartmesh-lab/worker:1",
  node: "heartmesh-lab/node:20",
  redis: "heartmesh-lab/redis:7",
  haproxy: "heartmesh-lab/haproxy:2.6",
};

interface Recipe {
  /** Programs put beside busybox, and where. */
  readonly programs: readonly (readonly [program: () => string, target: string])[];
  readonly changes: readonly string[];
}

const recipes: Readonly<Record<LabImage, Recipe>> = {
  worker: { programs: [], changes: ['CMD ["sleep","86400"]'] },
  node: { programs: [[() => process.execPath, "/usr/local/bin/node"]], changes: ['CMD ["node"]'] },
  redis: {
    programs: [[() => which("redis-server"), "/usr/local/bin/redis-server"]],
    changes: ['CMD ["redis-server","--protected-mode","no"]', "EXPOSE 6379"],
  },
  haproxy: {
    programs: [[() => which("haproxy"), "/usr/local/sbin/haproxy"]],
    changes: ['CMD ["haproxy","-W","-db","-f","/usr/local/etc/haproxy/haproxy.cfg"]'],
  },
};

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Brings these images into the engine, each where it is not there yet. The tar files are kept for the length of this process, or of the one that shares them. */
export async function ensureImages(engine: LabEngine, images: readonly LabImage[]): Promise<void> {
  for (const image of images) {
    const name = imageNames[image];
    if ((await engine.docker("image", "inspect", name)).code === 0) continue;
    const tar = await tarOf(image);
    const changes = [`ENV PATH=${searchPath}`, ...recipes[image].changes];
    const imported = await engine.docker(
      "import",
      ...changes.flatMap((change) => ["--change", change]),
      tar,
      name,
    );
    if (imported.code !== 0) throw new Error(`docker import ${name}: ${imported.stderr}`);
  }
}

const tars = new Map<LabImage, Promise<string>>();

function tarOf(image: LabImage): Promise<string> {
  const known = tars.get(image);
  if (known !== undefined) return known;
  const made = makeTar(image);
  tars.set(image, made);
  return made;
}

let folder: Promise<string> | undefined;

/** From now on every process that this one starts takes the tar files that it or another has made. */
export async function shareImages(): Promise<void> {
  process.env.LAB_IMAGES = await tarFolder();
}

/** One directory a process for the tar files, unless it was given one; removed at its exit. */
function tarFolder(): Promise<string> {
  const shared = process.env.LAB_IMAGES;
  if (shared !== undefined) return Promise.resolve(shared);
  folder ??= mkdtemp(path.join(tmpdir(), `${labPrefix}${String(process.pid)}-images-`)).then(
    async (made) => {
      await markOwner(made);
      process.once("exit", () => spawnSync("rm", ["-rf", made]));
      return made;
    },
  );
  return folder;
}

async function makeTar(image: LabImage): Promise<string> {
  const dir = await tarFolder();
  const tar = path.join(dir, `${image}.tar`);
  if (existsSync(tar)) return tar;
  // Another process may be making the same one.
  const root = path.join(dir, `${image}-${process.pid}`);
  for (const name of ["bin", "sbin", "etc", "tmp", "data", "usr/local/bin", "usr/local/sbin"]) {
    // No /data in the node image: an image built on it makes its own, with its own owner.
    if (name === "data" && image === "node") continue;
    await mkdir(path.join(root, name), { recursive: true });
  }
  await chmod(path.join(root, "tmp"), 0o1777);
  await putBusybox(root);
  for (const [program, target] of recipes[image].programs)
    await putProgram(root, program(), target);
  await putUsers(root);
  await must("tar", ["-C", root, "--owner=0", "--group=0", "-cf", `${root}.part`, "."]);
  await rename(`${root}.part`, tar);
  await rm(root, { recursive: true, force: true });
  return tar;
}

async function putBusybox(root: string): Promise<void> {
  const target = path.join(root, "bin/busybox");
  await copyFile(await realpath(which("busybox")), target);
  await chmod(target, 0o755);
  const listed = spawnSync(target, ["--list"], { encoding: "utf8" });
  for (const applet of listed.stdout.split("\n")) {
    if (applet !== "" && applet !== "busybox")
      await symlink("busybox", path.join(root, "bin", applet));
  }
}

async function putProgram(root: string, program: string, target: string): Promise<void> {
  const file = path.join(root, target);
  await copyFile(await realpath(program), file);
  await chmod(file, 0o755);
  const listed = spawnSync("ldd", [program], { encoding: "utf8" });
  for (const match of listed.stdout.matchAll(/(?:=>\s*)?(\/\S+)\s+\(0x/g)) {
    const library = match[1] ?? "";
    const copy = path.join(root, library);
    await mkdir(path.dirname(copy), { recursive: true });
    if (!existsSync(copy)) await copyFile(await realpath(library), copy);
    await chmod(copy, 0o755);
  }
}

/** root and uid 1000 under the name that Node's official images give it. */
async function putUsers(root: string): Promise<void> {
  await writeFile(
    path.join(root, "etc/passwd"),
    "root:x:0:0:root:/:/bin/sh\nnode:x:1000:1000:node:/tmp:/bin/sh\n",
  );
  await writeFile(path.join(root, "etc/group"), "root:x:0:\nnode:x:1000:\n");
}

function which(program: string): string {
  for (const dir of [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"]) {
    const file = path.join(dir, program);
    if (dir !== "" && existsSync(file)) return file;
  }
  throw new Error(`${program} is not installed`);
}

function must(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with ${String(code)}`));
    });
  });
}
