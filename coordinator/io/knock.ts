// Does a host answer by TCP at all? Accepted or refused is an answer of its kernel; what our own side cannot do says nothing of it.

import type { CheckLimits } from "../../agent/io/checks/result.ts";
import { checkTcp, type TcpCheck } from "../../agent/io/checks/tcp.ts";
import type { KnockAnswer } from "../core/hosts/knocks.ts";

/** Never rejects; the connection is closed again at once. */
export async function knock(target: TcpCheck & CheckLimits): Promise<KnockAnswer> {
  const answer = await checkTcp(target);
  if (answer.ok) return "accepted";
  if (answer.kind === "refused") return "refused";
  return answer.kind === "timeout" || answer.kind === "unreachable" ? "none" : "failed";
}
