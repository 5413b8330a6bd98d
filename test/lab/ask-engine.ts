// Asks a lab's engine over its own socket, which answers also where its host is cut off.

import http from "node:http";
import type { LabEngine } from "./engine.ts";

export interface EngineQuestion {
  readonly method?: "GET" | "POST";
  readonly body?: unknown;
  /** Milliseconds without an answer until it throws. */
  readonly patience?: number | undefined;
}

/** Its answer as JSON; throws for any status but 200. */
export function askEngine(
  engine: LabEngine,
  path: string,
  { method = "GET", body, patience = 5_000 }: EngineQuestion = {},
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const asking = http.request(
      { socketPath: engine.socket, method, path, headers, agent: false, timeout: patience },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode === 200) resolve(JSON.parse(text));
          else
            reject(new Error(`${engine.name}: ${method} ${path}: ${response.statusCode} ${text}`));
        });
      },
    );
    asking.on("error", reject);
    asking.on("timeout", () => {
      const what = `${engine.name}: ${method} ${path}`;
      asking.destroy(new Error(`${what}: no answer for ${patience} ms`));
    });
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
