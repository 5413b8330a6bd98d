// A Node worker with the agent as a library; it blocks its own event loop for as many ms as it is told on stdin.

import { startAgent } from "../../agent/index.ts";

const agent = await startAgent({ host: "127.0.0.1", port: 0, name: "blocking" });
console.log(agent.port);
process.stdin.on("data", (chunk: Buffer) => {
  const words = chunk.toString().trim().split(" ");
  if (words[0] === "block") {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(words[1]));
  } else if (words[0] === "unhealthy") agent.reportUnhealthy(words.slice(1).join(" "));
  else if (words[0] === "healthy") agent.reportHealthy();
});
