// A set of coordinators in which only the names matter, and messages of a release that knows no sets.

import type { ElectionMessage, Member } from "../../../proto/messages.ts";

export const memberNamed = (id: string): Member => ({ id, host: id, port: 7700 });

export const membersNamed = (...ids: readonly string[]): readonly Member[] => ids.map(memberNamed);

/** As releases before sets could change write it, and read it. */
export function withoutSet(message: ElectionMessage): ElectionMessage {
  const { set: _set, members: _members, ...rest } = { set: 0, members: 0, ...message };
  return rest;
}
