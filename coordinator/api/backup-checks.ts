// What documents of a backup are held to: shapes of plain JSON, each fault with the place where it is.

import { limits } from "../../proto/limits.ts";
import { idPattern, imagePattern } from "./clusters/schemas.ts";
import { readTemplate, TemplateRefused } from "../docker/stack-template.ts";

/** @returns what is wrong at that place, in words; none where nothing is */
type Check = (value: unknown, at: string) => readonly string[];

const longestText = 65_536;

const holds =
  (expected: string, isSo: (value: unknown) => boolean): Check =>
  (value, at) =>
    isSo(value) ? [] : [`${at} is ${brief(value)}; expected ${expected}`];

const text = holds(
  `text of at most ${longestText} characters`,
  (value) => typeof value === "string" && value.length <= longestText,
);
const flag = holds("true or false", (value) => typeof value === "boolean");
const textOrNull: Check = (value, at) => (value === null ? [] : text(value, at));
const whole = (least: number, most: number = Number.MAX_SAFE_INTEGER): Check =>
  holds(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  );
const oneOf = (...words: readonly string[]): Check =>
  holds(words.join(" or "), (value) => words.includes(value as string));
const matching = (pattern: string, expected: string): Check =>
  holds(expected, (value) => typeof value === "string" && new RegExp(pattern).test(value));

const list =
  (each: Check, most: number): Check =>
  (value, at) => {
    if (!Array.isArray(value) || value.length > most) {
      return [`${at} is ${brief(value)}; expected a list of at most ${most}`];
    }
    return value.flatMap((one, index) => each(one, `${at}/${index}`));
  };

const texts: Check = (value, at) =>
  isObject(value)
    ? Object.entries(value).flatMap(([name, one]) => text(one, `${at}/${name}`))
    : [`${at} is ${brief(value)}; expected an object of texts`];

const shape =
  (properties: Readonly<Record<string, Check>>): Check =>
  (value, at) => {
    if (!isObject(value)) return [`${at} is ${brief(value)}; expected an object`];
    const unknown = Object.keys(value).filter((name) => !Object.hasOwn(properties, name));
    return [
      ...unknown.map((name) => `${at}/${name} is unknown`),
      ...Object.entries(properties).flatMap(([name, check]) => check(value[name], `${at}/${name}`)),
    ];
  };

const template = shape({
  description: text,
  text,
  parameters: list(
    shape({ name: text, description: text, default: textOrNull, required: flag }),
    limits.templateParameters,
  ),
  updatedAt: text,
  updatedBy: text,
});

export function templateFaults(document: unknown): readonly string[] {
  const faults = template(document, "it");
  if (faults.length > 0) return faults;
  const sound = document as {
    readonly text: string;
    readonly parameters: Parameters<typeof readTemplate>[1];
  };
  try {
    readTemplate(sound.text, sound.parameters);
    return [];
  } catch (error) {
    if (error instanceof TemplateRefused) return error.problems;
    throw error;
  }
}

const id = matching(idPattern, "small letters, digits, - and _");
const replica = { ordinal: whole(1), part: whole(0), node: text };
const wish = shape({
  uniqId: text,
  label: text,
  image: matching(imagePattern, "an image"),
  command: list(text, 1_000),
  env: texts,
});
const place: Check = (value, at) => {
  const isCluster = isObject(value) && value["kind"] === "cluster";
  const kind = oneOf("engine", "logical", "nested", "cluster");
  return shape(isCluster ? { kind, cluster: id } : { kind })(value, at);
};
const cluster = shape({
  last: whole(0),
  cluster: shape({
    ...{ id, birth: text, kind: oneOf("engines", "swarm"), engine: text },
    ...{ createdAt: whole(0), isDeleting: flag, rebalancedAt: whole(0) },
    nodes: list(
      shape({
        ...{ id, place, host: text, port: whole(0, 65_535), capacity: whole(0) },
        state: oneOf("joining", "joined", "lost", "leaving"),
      }),
      limits.clusterNodes,
    ),
    services: list(
      shape({
        ...{ number: whole(1), parts: list(wish, 1_000), origin: text },
        replicas: list(shape(replica), Number.MAX_SAFE_INTEGER),
      }),
      limits.clusterServices,
    ),
  }),
});

export function clusterFaults(document: unknown, name: string): readonly string[] {
  const faults = cluster(document, "it");
  if (faults.length > 0) return faults;
  const {
    cluster: { id: own, nodes, services },
  } = document as { readonly cluster: Sound };
  return [
    ...(own === name ? [] : [`its id is ${own}`]),
    ...twice(nodes.map((one) => one.id)).map((one) => `two of its nodes are ${one}`),
    ...twice(services.map((one) => one.number)).map((one) => `two of its services are ${one}`),
    ...services
      .filter(({ parts, replicas }) => replicas.some(({ part }) => part >= parts.length))
      .map(({ number }) => `a replica of its service ${number} is of no part of it`),
  ];
}

interface Sound {
  readonly id: string;
  readonly nodes: readonly { readonly id: string }[];
  readonly services: readonly {
    readonly number: number;
    readonly parts: readonly unknown[];
    readonly replicas: readonly { readonly part: number }[];
  }[];
}

const twice = <One>(all: readonly One[]): readonly One[] => [
  ...new Set(all.filter((one, at) => all.indexOf(one) !== at)),
];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Not given: nothing. */
const brief = (value: unknown): string =>
  value === undefined ? "not there" : JSON.stringify(value).slice(0, 60);
