// Which words are good news, and in which colour each stands; the word alone says it too. Pure.

import { toned, type Cell, type Tone } from "./table.ts";

const tones: Readonly<Record<string, Tone>> = {
  healthy: "good",
  recovered: "good",
  ready: "good",
  starting: "odd",
  partial: "odd",
  paused: "odd",
  unwatched: "odd",
  unknown: "odd",
  draining: "odd",
  running: "odd",
  superseded: "odd",
  unhealthy: "bad",
  silent: "bad",
  "agent-lost": "bad",
  stopped: "bad",
  gone: "bad",
  dead: "bad",
  down: "bad",
  unreachable: "bad",
  disconnected: "bad",
  "engine-unhealthy": "bad",
  exhausted: "bad",
};

/** Well, on its way there, or left alone on purpose; nobody has to look. */
const atEase: ReadonlySet<string> = new Set(["healthy", "starting", "paused", "unwatched"]);

export const isAtEase = (verdict: string): boolean => atEase.has(verdict);

export function tonedWord(word: string, text = word): Cell {
  const tone = tones[word];
  return tone === undefined ? text : toned(text, tone);
}
