// `npm run bench -- [name …] [--json] [--short]`: measures, prints a table for people and with --json one object last. Exits 0 when it ran.

import { parseArgs } from "node:util";
import { ensureInstalled } from "../lab/requirements.ts";
import { benchAgent } from "./agent.ts";
import { benchApi } from "./api.ts";
import { benchHeal } from "./heal.ts";
import { benchLoss } from "./loss.ts";
import { benchMac } from "./mac.ts";
import { benchMigrate } from "./migrate.ts";
import { benchPage } from "./page.ts";
import { printJson, printTable, type BenchResult } from "./report.ts";
import { benchSim } from "./sim.ts";

type Bench = (options: { readonly short: boolean }) => Promise<BenchResult[]>;

const benches: Readonly<Record<string, Bench>> = {
  mac: benchMac,
  agent: benchAgent,
  heal: async (options) => {
    ensureInstalled(["engine", "redis", "bench"]);
    // The agent's own figures belong to what healing costs.
    return [...(await benchHeal(options)), ...(await benchAgent(options))];
  },
  loss: (options) => {
    ensureInstalled(["engine", "redis", "bench"]);
    return benchLoss(options);
  },
  migrate: (options) => {
    ensureInstalled(["engine", "redis"]);
    return benchMigrate(options);
  },
  api: (options) => {
    ensureInstalled(["engine", "redis", "haproxy"]);
    return benchApi(options);
  },
  page: (options) => {
    ensureInstalled(["engine", "redis", "browser"]);
    return benchPage(options);
  },
  sim: benchSim,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
  },
});

// `heal` holds the agent's, so without a name nothing is measured twice.
const names = positionals.length > 0 ? positionals : ["mac", "heal", "loss", "migrate", "api"];
const unknown = names.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}"; expected ${Object.keys(benches).join(", ")}.`);
  process.exit(2);
}
for (const name of names) {
  const bench = benches[name];
  if (bench === undefined) continue;
  console.log(`\n${name}`);
  const results = await bench({ short: values.short });
  printTable(results);
  if (values.json) printJson(name, results);
}
