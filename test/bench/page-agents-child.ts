// So many real agents in one process, each with a name, a socket and a seal of its own, on ports in a row of 127.0.0.1.

import { startAgent } from "../../agent/index.ts";

const [count = "0", firstPort = "0", key = ""] = process.argv.slice(2);

process.on("disconnect", () => process.exit(0));
for (let at = 0; at < Number(count); at++) {
  await startAgent({
    host: "127.0.0.1",
    port: Number(firstPort) + at,
    name: `w${String(at + 1)}`,
    key,
  });
}
process.send?.("ready");
