// What a Swarm service's `heartmesh.*` labels say of moving it. One that cannot be read is a finding, and what is safe holds instead.

import { levenshtein, parseFlag, type Parsed } from "../../../proto/config-parse.ts";
import { ownLabels } from "../labels.ts";
import { scalingLabel } from "../scaling/policy.ts";
import { parseHostLabels, type HostLabel } from "./host-label.ts";
import type { SwarmService } from "./swarm-view.ts";

export const strategies = ["priority", "spread", "least-loaded", "most-free"] as const;
export type Strategy = (typeof strategies)[number];

const volumeWords = ["shared", "empty", "stay"] as const;
/** `default`: nothing is said. */
export type VolumeRule = (typeof volumeWords)[number] | "default";

export interface ServiceFinding {
  readonly service: string;
  readonly label: string;
  /** What was wrong, what was expected, what holds instead. */
  readonly text: string;
}

export interface MoveLabels {
  /** Why it stays where its labels say so, or cannot be read; empty where it may move. */
  readonly staysBecause: string;
  /** Where it may go, by priority; empty where nothing is said. */
  readonly to: readonly HostLabel[];
  readonly strategy: Strategy;
  readonly volumes: VolumeRule;
  /** It must never run twice. */
  readonly isFenced: boolean;
  /** The agents of hosts see the labels of containers alone: without one there nobody ends it on a host that is cut off. */
  readonly isFenceSeen: boolean;
  readonly findings: readonly ServiceFinding[];
}

const prefix = "heartmesh.";
/** The journal of a move, which heartmesh itself writes. */
export const journalLabel = "heartmesh.moved";
const readHere = ["migrate", "migrate.to", "migrate.strategy", "volumes", "fence"] as const;
type Key = (typeof readHere)[number];

/** The service's own labels (`deploy.labels` in a stack file) go before those of its containers. */
export function parseMoveLabels(service: SwarmService): MoveLabels {
  const reader = new MoveLabelReader(service);
  const mayMove = reader.read("migrate", true, parseFlag, "it stays until that is corrected");
  const to = reader.read<readonly HostLabel[]>(
    "migrate.to",
    [],
    parseHostLabels,
    "it stays until that is corrected",
  );
  const strategy = reader.read<Strategy>("migrate.strategy", "priority", oneOf(strategies), "");
  const volumes = reader.read<VolumeRule>("volumes", "default", oneOf(volumeWords), "");
  const isFenced = reader.readFence();
  reader.findUnknown();
  const unreadable = (["migrate", "migrate.to"] as const).find((key) => reader.isUnreadable(key));
  const staysBecause =
    unreadable !== undefined
      ? `its label ${prefix}${unreadable} cannot be read`
      : mayMove
        ? ""
        : `its label ${prefix}migrate says so`;
  const onContainers = service.containerLabels["heartmesh.fence"];
  const isFenceSeen = onContainers !== undefined && !isNo(onContainers);
  const { findings } = reader;
  return { staysBecause, to, strategy, volumes, isFenced, isFenceSeen, findings };
}

function isNo(text: string): boolean {
  const flag = parseFlag(text);
  return flag.ok && !flag.value;
}

class MoveLabelReader {
  readonly findings: ServiceFinding[] = [];
  readonly #service: SwarmService;
  readonly #unreadable = new Set<Key>();

  constructor(service: SwarmService) {
    this.#service = service;
  }

  /** @param instead what holds where it cannot be read; empty: the default */
  read<Value>(
    key: Key,
    fallback: Value,
    parse: (text: string) => Parsed<Value>,
    instead: string,
  ): Value {
    const text = this.#text(key);
    if (text === undefined) return fallback;
    const value = parse(text);
    if (value.ok) return value.value;
    this.#unreadable.add(key);
    const holds = instead === "" ? "the default holds" : instead;
    this.#find(prefix + key, `${prefix}${key}: ${value.detail ?? "malformed"}; ${holds}`);
    return fallback;
  }

  /** The label alone, without a value, means yes: and so does what cannot be read, since running twice may do harm. */
  readFence(): boolean {
    const text = this.#text("fence");
    if (text === undefined) return false;
    if (text.trim() === "") return true;
    const isFenced = this.read("fence", true, parseFlag, "it counts as fenced");
    return isFenced;
  }

  isUnreadable(key: Key): boolean {
    return this.#unreadable.has(key);
  }

  /** Among the service's own labels; those of its containers are looked at with the containers. */
  findUnknown(): void {
    const own = [journalLabel, scalingLabel].map((label) => label.slice(prefix.length));
    const known: readonly string[] = [...readHere, ...own];
    for (const label of Object.keys(this.#service.labels).toSorted()) {
      const key = label.slice(prefix.length);
      if (!label.startsWith(prefix) || known.includes(key)) continue;
      if (ownLabels.includes(key)) {
        const where = "belongs to the containers (labels, not deploy.labels)";
        this.#find(label, `${label} ${where}; on the service it has no effect`);
        continue;
      }
      const near = known.find((one) => levenshtein(key, one) <= 2);
      const meant = near === undefined ? "it has no effect" : `did you mean ${prefix}${near}?`;
      this.#find(label, `${label} is no label of heartmesh; ${meant}`);
    }
  }

  #text(key: Key): string | undefined {
    const { labels, containerLabels } = this.#service;
    return labels[prefix + key] ?? containerLabels[prefix + key];
  }

  #find(label: string, text: string): void {
    this.findings.push({ service: this.#service.name, label, text });
  }
}

const oneOf =
  <Word extends string>(words: readonly Word[]) =>
  (text: string): Parsed<Word> => {
    const word = words.find((one) => one === text.trim().toLowerCase());
    if (word !== undefined) return { ok: true, value: word };
    const detail = `"${text}" is none of ${words.join(", ")}`;
    return { ok: false, failure: "malformed", detail };
  };
