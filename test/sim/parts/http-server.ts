// Nobody asks by HTTP here; what would be asked is handed over instead.

import type { Logger } from "pino";
import type { ControlPlane } from "../../../coordinator/api/plane.ts";
import type { RunningHttp } from "../../../coordinator/api/server.ts";
import type { CoordinatorConfig } from "../../../coordinator/config.ts";
import { currentLoop } from "../loop.ts";
import { onlooker } from "../onlooker.ts";

export type { RunningHttp };

export function startHttp(
  _config: CoordinatorConfig,
  plane: ControlPlane,
  _log: Logger,
): Promise<RunningHttp> {
  onlooker().onPlane(currentLoop().process, plane);
  return Promise.resolve({ url: "", stop: () => Promise.resolve() });
}
