// A small shop with a past, for pictures and tests of the pages: one worker healed, one in quarantine, one silenced.

import { crash } from "./containers.ts";
import type { Stage } from "./stage.ts";
import { startWorker } from "./workers.ts";
import { until } from "../waiting.ts";

export const tokens = {
  viewer: "a-viewers-token-0123456789",
  operator: "an-operators-token-0123456789",
  admin: "an-admins-token-0123456789",
} as const;

/** For the trio's options. */
export const people = {
  token: tokens.admin,
  env: {
    API_TOKENS: `eve:viewer:${tokens.viewer},olga:operator:${tokens.operator},ada:admin:${tokens.admin}`,
  },
} as const;

export const cast = {
  healed: "shop-web-1",
  quarantined: "shop-mail-1",
  silenced: "shop-cart-1",
} as const;

const kinds = ["web", "api", "cart", "mail", "search"] as const;
/** Their agents are programs of their own; the others are judged by the engine's own check. */
const withAgents = 6;
const check = ["--health-cmd", "test -f /tmp/index.html", "--health-interval", "2s"];

/** @param number of workers, three at least; those of `cast` are among them */
export async function setScene({ trio, engine }: Stage, number: number): Promise<void> {
  const others = Array.from(
    { length: 2 * number },
    (_, at) => `shop-${kinds[at % kinds.length] ?? ""}-${Math.floor(at / kinds.length) + 1}`,
  );
  const names = [...new Set([...Object.values(cast), ...others])].slice(0, number);
  for (const [at, name] of names.entries()) {
    const labels = name === cast.quarantined ? { "heartmesh.max-revivals": "1" } : {};
    const how = at < withAgents ? "joins-worker" : "none";
    const options = how === "none" ? check : [];
    await startWorker(trio, { name, arrangement: how, labels, options });
  }
  for (const name of names) await trio.verdict(name, "healthy", 60_000);
  await trio.ask(
    "POST",
    `workers/${encodeURIComponent(`lab/${cast.silenced}`)}/silence`,
    { for: "1h", reason: "its disk is being replaced" },
    await trio.leader(),
  );
  for (const name of [cast.healed, cast.quarantined]) {
    const at = Date.now();
    await crash(engine, name);
    await trio.recovered(name, at);
  }
  await crash(engine, cast.quarantined);
  await until(
    "the quarantine",
    async () => {
      const worker = await trio
        .worker(cast.quarantined, await trio.leader())
        .catch(() => undefined);
      return worker !== undefined && worker.quarantinedForMs !== null;
    },
    30_000,
    250,
  );
}
