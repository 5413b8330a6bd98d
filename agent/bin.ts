// Entry of the bundled agent: nothing but the agent is loaded.

import { runAgent } from "./main.ts";

process.exit(await runAgent(process.env));
