// A replay as people read it, and as one object for machines.

import type { CoordinatorInput } from "../../coordinator/core/exchange.ts";
import type { Decision } from "../../coordinator/io/recording.ts";
import { printable } from "../../coordinator/cli/terminal.ts";
import type { Difference, Moment, Replay } from "./replay-run.ts";

export function replayText(told: Replay): readonly string[] {
  const { id, cluster, story, difference } = told;
  const lines = [
    `Recorded by ${id} of ${cluster}, ${stamp(told.begunAt)} to ${stamp(told.endedAt)} UTC, by Node ${told.node}.`,
    beginText(told),
    "",
    ...story.filter(isTold).map(({ at, decision }) => `${stamp(at)}  ${decisionText(decision)}`),
    "",
  ];
  if (told.changedSources.length > 0) {
    lines.push(`These sources are other ones now: ${told.changedSources.join(", ")}.`);
  }
  if (told.from === "nowhere") return lines.map(printable);
  lines.push(
    difference === undefined
      ? `${told.steps} steps were replayed, to the same ${told.decisions} decisions.`
      : `The decisions are not the same from step ${difference.step} on.`,
  );
  if (difference !== undefined) lines.push(...differenceText(difference));
  if (told.datagramsDifferFrom !== undefined) {
    lines.push(
      `What was sent to workers or peers is not the same from ${stamp(told.datagramsDifferFrom)} on.`,
    );
  }
  return lines.map(printable);
}

export const replayJson = (told: Replay): object => ({
  ...told,
  same: told.from !== "nowhere" && told.difference === undefined,
  difference: told.difference ?? null,
  datagramsDifferFrom: told.datagramsDifferFrom ?? null,
});

function beginText({ from }: Replay): string {
  switch (from) {
    case "start":
      return "It is replayed from the start of the process.";
    case "checkpoint":
      return "It is replayed from a checkpoint of the core.";
    case "nowhere":
      return "It holds neither the start of the process nor a checkpoint (the core was too large for one, or ran from source): it is told, but it cannot be replayed.";
  }
}

function differenceText({ at, recorded, replayed, inputs }: Difference): readonly string[] {
  const side = (name: string, decisions: readonly Decision[]): string[] => [
    `${name}:`,
    ...(decisions.length === 0 ? ["  nothing"] : decisions.map((one) => `  ${whole(one)}`)),
  ];
  return [
    `At ${stamp(at)}, after these inputs, the last of which was answered differently:`,
    ...inputs.map((one) => `  ${stamp(one.at)}  ${inputText(one.input)}`),
    ...side("Decided then", recorded),
    ...side("Decided now", replayed),
  ];
}

/** What it saves, and what it tells its own runners, is also told by events. */
const isTold = ({ decision: { kind } }: Moment): boolean =>
  !["save-record", "save-heard", "life-answered", "window-closed"].includes(kind);

function decisionText(decision: Decision): string {
  switch (decision.kind) {
    case "publish": {
      const { kind, worker, text } = decision.event;
      return `${kind}${worker === "" ? "" : ` ${worker}`}: ${text}`;
    }
    case "enqueue":
      return `enqueue ${decision.order.token.worker}: ${decision.order.action}, epoch ${decision.order.token.epoch}, because ${decision.order.reason}`;
    case "act-directly":
      return `act directly on ${decision.order.token.worker}: ${decision.order.action}, try ${decision.tryNumber}`;
    case "role-changed":
      return `${decision.role} in term ${decision.term}: ${decision.reason}`;
    case "persist":
      return `persist term ${decision.ballot.term}, vote for ${decision.ballot.votedFor || "nobody"}`;
    case "lease-gained":
      return "the lease is gained";
    case "lease-ended":
      return "the lease has ended";
    default:
      return whole(decision);
  }
}

/** Long lists, such as an engine's containers, are cut. */
function inputText(input: CoordinatorInput): string {
  const text = whole(input);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

const whole = ({ kind, ...rest }: Decision | CoordinatorInput): string =>
  `${kind} ${JSON.stringify(rest)}`;

/** `2026-11-02 03:04:05.678` */
const stamp = (at: number): string => new Date(at).toISOString().slice(0, 23).replace("T", " ");
