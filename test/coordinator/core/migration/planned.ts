// Plans for tests, and the few words of them that a test compares.

import {
  planHost,
  type HostPlan,
  type MoveCause,
  type ServiceMove,
  type ServicePlan,
  type ServiceStay,
} from "../../../../coordinator/core/migration/plan.ts";
import type { SwarmView } from "../../../../coordinator/core/migration/swarm-view.ts";
import type { WarningCode } from "../../../../coordinator/core/migration/warnings.ts";

export const settings = {
  primary: { key: "type", value: "primary" },
  secondary: { key: "type", value: "secondary" },
};

export function planFor(view: SwarmView, hostName = "h1", cause: MoveCause = "dead"): HostPlan {
  const host = view.hosts.find(({ name }) => name === hostName);
  if (host === undefined) throw new Error(`there is no host ${hostName}`);
  return planHost(view, { host, cause, ...settings });
}

export function planOf(plan: HostPlan, name: string): ServicePlan {
  const one = plan.services.find(({ service }) => service.name === name);
  if (one === undefined) throw new Error(`there is no service ${name}`);
  return one;
}

/** Throws where it does not move. */
export function moveOf(plan: HostPlan, name = "web"): ServiceMove {
  const one = planOf(plan, name);
  if (one.action !== "move") throw new Error(`${name}: ${one.action}, ${one.reason}`);
  return one;
}

/** Throws where it does not stay. */
export function stayOf(plan: HostPlan, name = "web"): ServiceStay {
  const one = planOf(plan, name);
  if (one.action !== "stay") throw new Error(`${name}: ${one.action}, ${one.reason}`);
  return one;
}

export const targetsOf = ({ choice }: ServiceMove): string =>
  choice.targets.map(({ host }) => host.name).join(" ");

/** `h2: it is down`. */
export const unfitOf = ({ unfit }: ServiceMove | ServiceStay): readonly string[] =>
  unfit.map(({ host, reason }) => `${host.name}: ${reason}`);

export const codesOf = ({ warnings }: ServicePlan): readonly WarningCode[] =>
  warnings.map(({ code }) => code);

export const warningOf = ({ warnings }: ServicePlan, code: WarningCode): string =>
  warnings.find((one) => one.code === code)?.text ?? "";
