// The command line, run inside the test's own process against a server of the API.

import { runCommandLine } from "../../../coordinator/cli/run.ts";
import type { Terminal } from "../../../coordinator/cli/terminal.ts";
import { tokens, type TestServer } from "../api/scripted-plane.ts";

/** What the terminal holds for now. */
export const wall = 1_700_000_060_000;

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** As into a pipe, unless told otherwise. */
export const terminalOf = (some: Partial<Terminal>): Terminal => ({
  out: () => undefined,
  err: () => undefined,
  raw: () => undefined,
  now: () => wall,
  width: undefined,
  isColored: false,
  note: undefined,
  ...some,
});

export async function run(
  argv: readonly string[],
  env: Record<string, string> = {},
  signal?: AbortSignal,
  some: Partial<Terminal> = {},
): Promise<Run> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = terminalOf({
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    raw: (bytes) => out.push(Buffer.from(bytes).toString("latin1")),
    ...some,
  });
  const code = await runCommandLine(argv, env, terminal, signal);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

export const asking = ({ url }: TestServer, role: keyof typeof tokens = "operator") => ({
  HEARTMESH_URL: url,
  HEARTMESH_TOKEN: tokens[role],
});
