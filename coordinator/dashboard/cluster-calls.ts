// Changes of a cluster: what is asked, and what came of it in words.

import type { CallRow } from "../../proto/cluster-rest.ts";
import { callText } from "./cluster-words.ts";
import { send } from "./store.ts";

export const sendCall = async (
  method: "POST" | "DELETE",
  path: string,
  body?: object,
): Promise<string> => callText((await send<{ readonly data: CallRow }>(method, path, body)).data);
