// Every coded error of the coordinator and the command line. The README's table is held to this one by a test.

import { CodedError, type ErrorRow } from "../proto/coded-error.ts";

export const errorTable = {
  HM_CONFIG: {
    status: 500,
    text: "The configuration is not usable.",
    advice: "Correct the variables that the message names; all problems are listed at once.",
  },
  HM_ENGINE_UNAVAILABLE: {
    status: 503,
    text: "A Docker engine did not answer in time.",
    advice:
      "Check the engine and the way to it (DOCKER_HOST, its TLS files, the proxy); recoveries wait for it.",
  },
  HM_ENGINE_REFUSED: {
    status: 502,
    text: "A Docker engine refused a request.",
    advice:
      "Read the engine's own words in the detail; behind a proxy, compare its allow-list with the README.",
  },
  HM_DOCKER_MISSING: {
    status: 501,
    text: "The docker command line is not installed beside the coordinator.",
    advice:
      "Deploy the stack on a manager by docker itself, or run the coordinators where docker is installed; the images of compose/ do not carry it.",
  },
  HM_SWARM_NONE: {
    status: 503,
    text: "No engine is a manager of a Swarm.",
    advice:
      "Only in a Swarm can services move: name one or more of its managers in DOCKER_HOST; of another Swarm in SWARMS.",
  },
  HM_SWARM_QUORUM: {
    status: 503,
    text: "The Swarm has no quorum of managers.",
    advice:
      "Bring managers back until more than half of them run, or unlock them; until then nobody can move a service.",
  },
  HM_REDIS_UNAVAILABLE: {
    status: 503,
    text: "Redis did not answer.",
    advice: "Check REDIS_URL and the server; the leader acts directly meanwhile.",
  },
  HM_REDIS_MISSING: {
    status: 500,
    text: "REDIS_URL is not set and there is no redis-server to start.",
    advice:
      "Install the package redis-server (Debian, Ubuntu) or redis (Alpine, Fedora), or set REDIS_URL.",
  },
  HM_REDIS_START: {
    status: 500,
    text: "The private redis-server did not start.",
    advice:
      "Read its own lines in the log: a full disk, a directory that cannot be written or a damaged append-only file are usual.",
  },
  HM_NOTIFY_FAILED: {
    status: 502,
    text: "A notification could not be delivered.",
    advice:
      "Check the channel's variables with `heartmesh notify test`; the queue tries again by itself.",
  },
  HM_UNREACHABLE: {
    status: 502,
    text: "The command line could not reach a coordinator.",
    advice:
      "Check that one runs there, and give its address by --url or HEARTMESH_URL (http://host:port).",
  },
  HM_REFUSED: {
    status: 502,
    text: "The coordinator refused what the command line asked.",
    advice: "Read its words; for 401 and 403 set HEARTMESH_TOKEN or HEARTMESH_TOKEN_FILE.",
  },
  HM_DISK: {
    status: 503,
    text: "Something could not be saved under DATA_DIR.",
    advice:
      "Free space, or mend the disk or its rights; until then this coordinator neither votes nor leads anew.",
  },
  HM_MESH_START: {
    status: 500,
    text: "The mesh's UDP port could not be bound.",
    advice: "Free MESH_PORT or choose another one, the same in COORDINATORS.",
  },
  HM_CHECK_PORT: {
    status: 500,
    text: "The port of HAProxy's agent checks could not be had.",
    advice: "Free CHECK_PORT or choose another one; unset it where no proxy asks.",
  },
  HM_STARTING: {
    status: 503,
    text: "The coordinator is still starting.",
    advice: "Ask again in a moment.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errorTable;

export const coded = (code: ErrorCode, detail: string, cause?: unknown): CodedError<ErrorCode> =>
  new CodedError(code, detail, cause === undefined ? undefined : { cause });

/** What a person can do about an error; empty for one that is not ours. */
export const adviceOf = (code: string | undefined): string =>
  Object.entries(errorTable).find(([known]) => known === code)?.[1].advice ?? "";
