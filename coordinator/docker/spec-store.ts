// What a container looked like that is removed, or whose host dies: kept under DATA_DIR whenever one is seen that may be recreated or moved.

import { createHash } from "node:crypto";
import path from "node:path";
import { readDurable, writeDurably, type Kept } from "./durable-file.ts";
import { isMovable } from "../core/migration/belongings.ts";
import { nameOf, type RawInspection } from "./views.ts";

/** The parts of an inspection that a recreation needs; nothing that changes while the container lives. */
export type KeptSpec = Pick<
  RawInspection,
  "Id" | "Name" | "Image" | "Config" | "HostConfig" | "Mounts" | "NetworkSettings"
>;

export const isToRecreate = ({ Config }: Pick<RawInspection, "Config">): boolean =>
  Config?.Labels?.["heartmesh.recreate"] === "true";

export class SpecStore {
  readonly #folder: string;
  readonly #onProblem: (text: string) => void;
  /** By host and name: a digest of what the disk holds, or is about to. */
  readonly #written = new Map<string, string>();
  /** Writes one after another for a container, so that the newest ends on the disk. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(dataDir: string, onProblem: (text: string) => void) {
    this.#folder = path.join(dataDir, "specs");
    this.#onProblem = onProblem;
  }

  /** After each inspection. Returns at once; writes only what is new. */
  onInspected(host: string, raw: RawInspection): void {
    if (!isToRecreate(raw) && !isMovable(raw.Config?.Labels ?? {})) return;
    const name = nameOf(raw.Name);
    const key = `${host}/${name}`;
    const spec = keptSpecOf(raw);
    const digest = createHash("sha256").update(JSON.stringify(spec)).digest("base64");
    if (this.#written.get(key) === digest) return;
    this.#written.set(key, digest);
    const before = this.#writing.get(key) ?? Promise.resolve();
    this.#writing.set(
      key,
      before.then(() => this.#write(key, spec)),
    );
  }

  /** Resolves when all that was seen is durable. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing.values());
  }

  /** `value` is a KeptSpec. */
  async read(host: string, name: string): Promise<Kept> {
    await this.settled();
    return await readDurable(this.#fileOf(`${host}/${name}`));
  }

  async #write(key: string, spec: KeptSpec): Promise<void> {
    try {
      await writeDurably(this.#fileOf(key), spec);
    } catch (error) {
      // Tried again with the next inspection.
      this.#written.delete(key);
      this.#onProblem(`the spec of ${key} could not be kept: ${String(error)}`);
    }
  }

  #fileOf(key: string): string {
    return path.join(this.#folder, `${createHash("sha256").update(key).digest("hex")}.spec`);
  }
}

export function keptSpecOf(raw: RawInspection): KeptSpec {
  const networks = Object.entries(raw.NetworkSettings?.Networks ?? {}).map(([name, endpoint]) => [
    name,
    {
      ...(endpoint.NetworkID === undefined ? {} : { NetworkID: endpoint.NetworkID }),
      IPAMConfig: endpoint.IPAMConfig ?? null,
      Links: endpoint.Links ?? null,
      Aliases: endpoint.Aliases ?? null,
      DriverOpts: endpoint.DriverOpts ?? null,
      ...(endpoint.GwPriority === undefined ? {} : { GwPriority: endpoint.GwPriority }),
    },
  ]);
  return {
    Id: raw.Id,
    Name: raw.Name,
    ...(raw.Image === undefined ? {} : { Image: raw.Image }),
    ...(raw.Config === undefined ? {} : { Config: raw.Config }),
    ...(raw.HostConfig === undefined ? {} : { HostConfig: raw.HostConfig }),
    Mounts: raw.Mounts ?? [],
    NetworkSettings: { Networks: Object.fromEntries(networks) as Record<string, object> },
  };
}
