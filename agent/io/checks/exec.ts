// Does a program of the operator's end with 0? It runs without a shell, in a process group of its own that is killed when time is up.

import { settleOnce, type CheckAnswer, type CheckLimits } from "./result.ts";

export interface ExecCheck {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** So much of what it prints is kept, for the reason. */
const outputBytes = 1024;

export async function checkExec(options: ExecCheck & CheckLimits): Promise<CheckAnswer> {
  // Imported here, so that an agent without such a check does not pay for it, in a bundle neither.
  const { spawn } = await import("node:child_process");
  return settleOnce(options, (answer) => {
    const child = spawn(options.command, [...options.args], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    let output = Buffer.alloc(0);
    const onOutput = (chunk: Buffer): void => {
      if (output.length >= outputBytes) return;
      output = Buffer.concat([output, chunk]).subarray(0, outputBytes);
    };
    child.stdout.on("data", onOutput);
    child.stderr.on("data", onOutput);
    child.on("error", (error) => {
      answer({
        ok: false,
        kind: "error",
        reason: `cannot run ${options.command}: ${error.message}`,
      });
    });
    // Not `close`: a grandchild that keeps the pipes open must not hold the answer back.
    child.on("exit", (code, signal) => {
      // What was printed just before the exit is read first.
      setImmediate(() => {
        if (code === 0) answer({ ok: true });
        else answer({ ok: false, kind: "bad-answer", reason: exitReason(code, signal, output) });
      });
    });
    return () => {
      killGroup(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
    };
  });
}

function exitReason(code: number | null, signal: string | null, output: Buffer): string {
  const how = code === null ? `was ended by ${signal ?? "a signal"}` : `exited with ${code}`;
  const said = output.toString("utf8").trim().replace(/\s+/g, " ");
  return said === "" ? how : `${how}: ${said}`;
}

/** Also after a success: what a check leaves behind in its group would pile up, once a second. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is gone already.
  }
}
