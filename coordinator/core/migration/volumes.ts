// What of a service's data lies on its host alone.

import type { ServiceMount } from "./swarm-view.ts";

/** Options of the driver `local` by which a volume lies on another machine. */
const remoteTypes: ReadonlySet<string> = new Set([
  ...["nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "9p"],
]);

export interface LocalData {
  /** Named volumes that each host has for itself. */
  readonly volumes: readonly ServiceMount[];
  /** Paths of the host. */
  readonly binds: readonly ServiceMount[];
}

/** A tmpfs and an anonymous volume are new for each task anyway. */
export function localDataOf({ mounts }: { readonly mounts: readonly ServiceMount[] }): LocalData {
  return {
    volumes: mounts.filter((one) => one.type === "volume" && one.source !== "" && isLocal(one)),
    binds: mounts.filter((one) => one.type === "bind" || one.type === "npipe"),
  };
}

/** As far as the service says: options that a volume was created with on a host by hand are not seen by a manager. */
function isLocal({ driver, driverOptions }: ServiceMount): boolean {
  if (driver !== "" && driver !== "local") return false;
  return !remoteTypes.has((driverOptions["type"] ?? "").toLowerCase());
}

export const sourcesOf = (mounts: readonly ServiceMount[]): string =>
  mounts.map(({ source }) => source).join(", ");
