// Nobody asks by HTTP here.

import type { RunningHttp } from "../../../coordinator/api/server.ts";

export type { RunningHttp };

export const startHttp = (): Promise<RunningHttp> =>
  Promise.resolve({ url: "", stop: () => Promise.resolve() });
