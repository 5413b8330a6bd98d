// What is under way, where it takes longer than a second: one line that tells for how long, on a terminal alone, and gone before the answer stands there.

import type { Terminal } from "./terminal.ts";

const shownAfter = 1_000;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameEvery = 100;

export interface Progress {
  /** The terminal to speak to meanwhile: its lines take the progress away first. */
  readonly terminal: Terminal;
  /** What is being done now. */
  tell(text: string): void;
  stop(): void;
}

/** @param text what is being done, to begin with */
export function startProgress(terminal: Terminal, text: string): Progress {
  const { note } = terminal;
  if (note === undefined) return { terminal, tell: () => undefined, stop: () => undefined };
  const startedAt = performance.now();
  let doing = text;
  let isShown = false;
  const show = (): void => {
    const took = performance.now() - startedAt;
    if (took < shownAfter) return;
    isShown = true;
    const frame = frames[Math.floor(took / frameEvery) % frames.length] ?? "";
    note(`${frame} ${doing} (${Math.floor(took / 1000)} s)`);
  };
  const hide = (): void => {
    if (isShown) note("");
    isShown = false;
  };
  const timer = setInterval(show, frameEvery);
  timer.unref();
  return {
    terminal: {
      ...terminal,
      out: (line) => {
        hide();
        terminal.out(line);
      },
      err: (line) => {
        hide();
        terminal.err(line);
      },
      raw: (bytes) => {
        hide();
        terminal.raw(bytes);
      },
    },
    tell: (next) => {
      doing = next;
    },
    stop: () => {
      clearInterval(timer);
      hide();
    },
  };
}
