// A person's webhook for tests: a listener inside an engine's network namespace that remembers what it is sent.

import type { Message } from "../../coordinator/notify/message.ts";
import { inNamespace, type LabEngine } from "./engine.ts";

export interface Hook {
  /** For WEBHOOK_URL. */
  readonly url: string;
  /** Everything that was sent, oldest first. */
  readonly messages: readonly Message[];
  stop(): void;
}

const port = 9_099;

const inside = `
const http = require("node:http");
const server = http.createServer((request, response) => {
  let text = "";
  request.on("data", (chunk) => (text += chunk));
  request.on("end", () => { process.send(JSON.parse(text)); response.end(); });
});
server.listen(Number(process.argv[1]), "127.0.0.1", () => process.send("ready"));
process.on("disconnect", () => process.exit(0));
`;

export async function hook(engine: LabEngine): Promise<Hook> {
  const child = inNamespace(engine, process.execPath, ["-e", inside, String(port)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const messages: Message[] = [];
  await new Promise<void>((resolve, reject) => {
    child.on("message", (message) => {
      if (message === "ready") resolve();
      else messages.push(message as Message);
    });
    child.once("exit", (code) => {
      reject(new Error(`the hook ended with ${String(code)}`));
    });
  });
  return {
    url: `http://127.0.0.1:${port}/`,
    messages,
    stop: () => {
      if (child.connected) child.disconnect();
    },
  };
}
