// Where a machine can be announced: its network interfaces, each with the address that its neighbours reach. Pure.

import type { NetworkInterfaceInfo } from "node:os";

export interface Place {
  /** The interface's name. */
  readonly name: string;
  /** Its first IPv4 address. */
  readonly address: string;
}

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** Docker's own: what stands behind it is this machine alone. */
const bridge = /^(docker\d+|docker_gwbridge|br-[0-9a-f]{12}|veth.*)$/;

/** A tunnel's: nobody else is in such a network, so nobody hears it. */
const alone = "255.255.255.255";

/** @param wanted these addresses, where the machine has them; empty: all that neighbours can reach */
export function placesOf(interfaces: Interfaces, wanted: readonly string[]): readonly Place[] {
  return Object.entries(interfaces).flatMap(([name, infos = []]) => {
    const info = infos.find(({ family }) => family === "IPv4");
    if (info === undefined) return [];
    const isReached = !info.internal && info.netmask !== alone && !bridge.test(name);
    const isWanted = wanted.length === 0 ? isReached : wanted.includes(info.address);
    return isWanted ? [{ name, address: info.address }] : [];
  });
}
