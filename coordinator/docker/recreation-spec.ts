// From what a container looked like to the calls that make it again. Pure.

import { namespaceOwner } from "./relevance.ts";
import type { KeptSpec } from "./spec-store.ts";
import type { RawEndpoint, RawMount } from "./views.ts";

export interface Recreation {
  /** The body of `POST /containers/create`. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Networks to connect after the creation: before API 1.44 the engine takes one at a creation. */
  readonly connects: readonly {
    readonly network: string;
    readonly endpoint: Readonly<Record<string, unknown>>;
  }[];
}

export interface RecreationContext {
  /** The image to run: its id where the name means another one by now. */
  readonly image: string;
  /** Old container ids → new ones, for `container:…` of network, process and IPC namespace. */
  readonly replaced: Readonly<Record<string, string>>;
}

/** Same network with address and aliases, mounts (anonymous volumes by their names), environment, labels, policies, health check. */
export function recreationOf(spec: KeptSpec, context: RecreationContext): Recreation {
  const mode = replacedMode(spec.HostConfig?.NetworkMode ?? "bridge", context.replaced);
  const isGuest = namespaceOwner(mode) !== undefined;
  const networks = isGuest ? {} : (spec.NetworkSettings?.Networks ?? {});
  const primary = primaryOf(mode, networks);
  const endpoints = Object.entries(networks).map(
    ([network, endpoint]) => [network, endpointOf(endpoint, spec.Id)] as const,
  );
  const first = endpoints.find(([network]) => network === primary);
  return {
    body: {
      ...configOf(spec, isGuest),
      Image: context.image,
      HostConfig: hostConfigOf(spec, mode, context.replaced),
      ...(first === undefined
        ? {}
        : { NetworkingConfig: { EndpointsConfig: { [first[0]]: first[1] } } }),
    },
    connects: endpoints
      .filter(([network]) => network !== primary && network !== "host" && network !== "none")
      .map(([network, endpoint]) => ({ network, endpoint })),
  };
}

/** The network of the network mode: by its name, or where it was given by its id. */
function primaryOf(
  mode: string,
  networks: Readonly<Record<string, RawEndpoint>>,
): string | undefined {
  if (Object.hasOwn(networks, mode)) return mode;
  if (mode === "default") return "bridge";
  return Object.keys(networks).find((name) => networks[name]?.NetworkID?.startsWith(mode) === true);
}

/** A default host name is the old id: the new one gets its own. A guest of a namespace may name none of these. */
function configOf(spec: KeptSpec, isGuest: boolean): Record<string, unknown> {
  const config: Record<string, unknown> = { ...spec.Config };
  if (isGuest || config.Hostname === spec.Id.slice(0, 12)) delete config.Hostname;
  if (isGuest) {
    for (const key of ["Domainname", "ExposedPorts", "MacAddress"])
      Reflect.deleteProperty(config, key);
  }
  return config;
}

function hostConfigOf(
  spec: KeptSpec,
  networkMode: string,
  replaced: Readonly<Record<string, string>>,
): Record<string, unknown> {
  const hostConfig = spec.HostConfig ?? {};
  const binds = [...(hostConfig.Binds ?? []), ...anonymousVolumes(spec)];
  return {
    ...hostConfig,
    NetworkMode: networkMode,
    PidMode: replacedMode(hostConfig.PidMode ?? "", replaced),
    IpcMode: replacedMode(hostConfig.IpcMode ?? "", replaced),
    ...(binds.length === 0 ? {} : { Binds: binds }),
    ...(hostConfig.Mounts ? { Mounts: mountsOf(spec) } : {}),
  };
}

/** Anonymous volumes have generated names; under these they are kept. */
function anonymousVolumes(spec: KeptSpec): string[] {
  const named = new Set([
    ...(spec.HostConfig?.Binds ?? []).map(bindTarget),
    ...(spec.HostConfig?.Mounts ?? []).map((mount) => mount.Target ?? ""),
  ]);
  return (spec.Mounts ?? [])
    .filter((mount) => mount.Type === "volume" && (mount.Name ?? "") !== "")
    .filter((mount) => !named.has(mount.Destination ?? ""))
    .map(bindOf);
}

/** A mount of the host configuration without a source is an anonymous volume too. */
function mountsOf(spec: KeptSpec): readonly unknown[] {
  const volumes = new Map((spec.Mounts ?? []).map((mount) => [mount.Destination, mount.Name]));
  return (spec.HostConfig?.Mounts ?? []).map((mount) => {
    if (mount.Type !== "volume" || (mount.Source ?? "") !== "") return mount;
    const name = volumes.get(mount.Target) ?? "";
    return name === "" ? mount : { ...mount, Source: name };
  });
}

/** `source:target[:options]`, where a source may not hold a colon. */
const bindTarget = (bind: string): string => bind.split(":")[1] ?? "";

const bindOf = (mount: RawMount): string =>
  `${mount.Name ?? ""}:${mount.Destination ?? ""}:${mount.RW === false ? "ro" : "rw"}`;

function replacedMode(mode: string, replaced: Readonly<Record<string, string>>): string {
  const owner = namespaceOwner(mode);
  const now = owner === undefined ? undefined : replaced[owner];
  return now === undefined ? mode : `container:${now}`;
}

/** The old id is an alias that the engine adds by itself; addresses that it chose are left to it again. */
function endpointOf(endpoint: RawEndpoint, oldId: string): Readonly<Record<string, unknown>> {
  const aliases = (endpoint.Aliases ?? []).filter((alias) => alias !== oldId.slice(0, 12));
  return {
    ...(endpoint.IPAMConfig ? { IPAMConfig: endpoint.IPAMConfig } : {}),
    ...(endpoint.Links ? { Links: endpoint.Links } : {}),
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(endpoint.DriverOpts ? { DriverOpts: endpoint.DriverOpts } : {}),
    ...(endpoint.GwPriority === undefined ? {} : { GwPriority: endpoint.GwPriority }),
  };
}
