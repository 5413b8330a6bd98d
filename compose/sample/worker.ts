// A sample worker: an HTTP server that can be made unhealthy, and, where AGENT=library, carries its agent inside.

import { createServer } from "node:http";
import { startAgent } from "../../agent/index.ts";

const port = Number(process.env["PORT"] ?? 8080);
let healthy = true;

const server = createServer((request, response) => {
  const url = request.url ?? "/";
  if (request.method === "POST" && url === "/break") healthy = false;
  if (url === "/healthz") response.statusCode = healthy ? 200 : 500;
  response.setHeader("content-type", "text/plain");
  response.end(healthy ? "well\n" : "not well\n");
});
server.listen(port, () => {
  console.log(`sample worker on port ${port}`);
});

const agent = process.env["AGENT"] === "library" ? await startAgent() : undefined;

process.once("SIGTERM", () => {
  void Promise.resolve(agent?.stop()).then(() => process.exit(0));
});
