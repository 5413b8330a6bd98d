// There are no clusters of containers in the simulation: nobody asks for one, and nothing is looked at for them.

export class ClusterRoom {
  start(): void {
    // Nothing is carried out.
  }

  stop(): void {
    // Nothing runs.
  }
}
