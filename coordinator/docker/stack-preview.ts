// What a stack file would do to what runs, as far as a person wants to know it before: services with their images and replicas. Pure.

import { parseDocument } from "yaml";
import type {
  SwarmServiceRow,
  SwarmStackPreview,
  SwarmStackPreviewRow,
} from "../../proto/swarm-rest.ts";
import type { StackWish } from "./stack-deploy.ts";
import { TemplateRefused } from "./stack-template.ts";

/** Of one service: what the file says of it, or what runs. */
interface Said {
  readonly image: string;
  readonly replicas: string;
}

const isGlobal = "global";
/** Aliases that lead to more than so many nodes are an attack, not a file. */
const maxAliasCount = 100;
/** An escaped dollar, or a variable with or without what stands for it: docker's own syntax. */
const variable = /\$(?:\$|\{(\w+)(?::?-([^}]*))?\}|(\w+))/g;

/** Throws `TemplateRefused`. */
export function previewStack(
  { name, stack, prune, variables = {} }: Omit<StackWish, "resolveImage">,
  running: readonly SwarmServiceRow[],
): SwarmStackPreview {
  const said = new Map(
    [...readStack(stack, variables)].map(([key, one]) => [`${name}_${key}`, one]),
  );
  const runs = new Map(
    running.filter((row) => row.stack === name).map((row) => [row.name, sayOf(row)]),
  );
  const names = [...new Set([...said.keys(), ...runs.keys()])].sort();
  const rows = names.map((service) => rowOf(service, said.get(service), runs.get(service), prune));
  return { stack: name, services: rows };
}

function rowOf(
  service: string,
  now: Said | undefined,
  before: Said | undefined,
  prune: boolean,
): SwarmStackPreviewRow {
  const { image = "", replicas = "" } = now ?? before ?? {};
  const told = { imageBefore: before?.image ?? null, replicasBefore: before?.replicas ?? null };
  return { service, outcome: outcomeOf(now, before, prune), image, replicas, ...told };
}

function outcomeOf(
  now: Said | undefined,
  before: Said | undefined,
  prune: boolean,
): SwarmStackPreviewRow["outcome"] {
  if (before === undefined) return "created";
  if (now === undefined) return prune ? "removed" : "kept";
  const isSame = now.image === before.image && now.replicas === before.replicas;
  return isSame ? "unchanged" : "changed";
}

/** As the file of its last deployment named the image; docker adds what it resolved to. */
const sayOf = ({ labels, image, mode, desired }: SwarmServiceRow): Said => ({
  image: labels["com.docker.stack.image"] ?? image.replace(/@sha256:.*$/, ""),
  replicas: mode === "global" ? isGlobal : String(desired),
});

type Variables = Readonly<Record<string, string>>;

function readStack(text: string, variables: Variables): ReadonlyMap<string, Said> {
  const services = mapOf(mapOf(parsed(text))?.["services"]);
  if (services === undefined)
    throw new TemplateRefused(["it has no services; expected a stack file"]);
  const problems: string[] = [];
  const said = new Map<string, Said>();
  for (const [key, value] of Object.entries(services)) {
    const service = mapOf(value) ?? {};
    const deploy = mapOf(service["deploy"]) ?? {};
    const image = filled(service["image"], variables);
    const mode = filled(deploy["mode"] ?? "replicated", variables);
    const replicas = filled(deploy["replicas"] ?? 1, variables);
    if (image === "") problems.push(`${key} has no image; a Swarm builds none`);
    const isNumber = /^\d{1,6}$/.test(replicas);
    if (!isNumber)
      problems.push(`${key} has "${replicas.slice(0, 60)}" replicas; expected a number`);
    said.set(key, { image, replicas: mode.startsWith(isGlobal) ? isGlobal : replicas });
  }
  if (problems.length > 0) throw new TemplateRefused(problems);
  return said;
}

function parsed(text: string): unknown {
  const document = parseDocument(text, { logLevel: "error", merge: true });
  const problems = document.errors.map(({ message }) =>
    (message.split("\n")[0] ?? "").replace(/:$/, ""),
  );
  if (problems.length > 0) throw new TemplateRefused(problems);
  try {
    return document.toJS({ maxAliasCount });
  } catch (error) {
    throw new TemplateRefused([error instanceof Error ? error.message : String(error)]);
  }
}

const mapOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;

function filled(value: unknown, variables: Variables): string {
  if (typeof value !== "string") return typeof value === "number" ? String(value) : "";
  return value.replaceAll(variable, (_all, braced?: string, fallback?: string, bare?: string) => {
    const asked = braced ?? bare;
    if (asked === undefined) return "$";
    const given = Object.hasOwn(variables, asked) ? (variables[asked] ?? "") : "";
    return given === "" ? (fallback ?? "") : given;
  });
}
