// What an inspection says of what a container has on its host: volumes, ports, and what ties it there. Pure.

import type { Belongings } from "../core/migration/belongings.ts";
import type { ServiceMount, ServicePort } from "../core/migration/swarm-view.ts";
import type { RawInspection } from "./views.ts";

type PortBindings = Readonly<
  Record<string, readonly { readonly HostPort?: string }[] | null | undefined>
>;

export function belongingsOf(raw: RawInspection): Belongings {
  return {
    image: raw.Config?.Image ?? "",
    mounts: mountsOf(raw),
    ports: portsOf(raw),
    ties: [...tiesOf(raw)],
  };
}

/** Options of a volume's driver stand only where it was asked for with `--mount`. */
function mountsOf({ Mounts, HostConfig }: RawInspection): readonly ServiceMount[] {
  return (Mounts ?? []).map(({ Type = "", Name = "", Source = "", Driver = "", Destination }) => {
    const asked = HostConfig?.Mounts?.find(({ Target }) => Target === Destination);
    return {
      type: Type,
      source: Type === "volume" ? Name : Source,
      driver: Driver,
      driverOptions: asked?.VolumeOptions?.DriverConfig?.Options ?? {},
    };
  });
}

/** Bound at the host: `80/tcp` → 8080. */
function portsOf({ HostConfig }: RawInspection): readonly ServicePort[] {
  const bindings = (HostConfig?.["PortBindings"] ?? {}) as PortBindings;
  return Object.entries(bindings).flatMap(([port, all]) =>
    (all ?? []).map(({ HostPort = "" }) => ({
      protocol: port.split("/")[1] ?? "tcp",
      published: Number(HostPort) || 0,
      mode: "host" as const,
    })),
  );
}

function* tiesOf({ HostConfig, NetworkSettings }: RawInspection): Generator<string> {
  const { NetworkMode = "", PidMode = "", IpcMode = "", Links } = HostConfig ?? {};
  if ([NetworkMode, PidMode, IpcMode].some((mode) => mode.startsWith("container:"))) {
    yield "it shares a namespace with another container of its host";
  }
  if (Array.isArray(Links) && Links.length > 0) yield "it is linked to containers of its host";
  for (const [network, { IPAMConfig }] of Object.entries(NetworkSettings?.Networks ?? {})) {
    const { IPv4Address, IPv6Address } = IPAMConfig ?? {};
    if (IPv4Address || IPv6Address) yield `its address in the network ${network} is fixed`;
  }
}
