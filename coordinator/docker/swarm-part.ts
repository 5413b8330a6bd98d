// What an engine says of itself: its name, and its part in a Swarm. Pure.

export interface EngineInfo {
  readonly name: string;
  readonly id: string;
  readonly swarm: SwarmPart;
}

export interface SwarmPart {
  /** `inactive`, `pending`, `active`, `error` or `locked`: the engine's word. */
  readonly state: string;
  readonly isManager: boolean;
  /** Empty outside a Swarm. */
  readonly nodeId: string;
  /** The engine's own words for what is wrong with it; empty where nothing is. */
  readonly error: string;
}

export interface RawInfo {
  readonly Name?: string;
  readonly ID?: string;
  readonly Swarm?: {
    readonly LocalNodeState?: string;
    readonly ControlAvailable?: boolean;
    readonly NodeID?: string;
    readonly Error?: string;
  };
}

export const swarmPartOf = ({ Swarm }: RawInfo): SwarmPart => ({
  state: Swarm?.LocalNodeState ?? "inactive",
  isManager: Swarm?.ControlAvailable ?? false,
  nodeId: Swarm?.NodeID ?? "",
  error: Swarm?.Error ?? "",
});
