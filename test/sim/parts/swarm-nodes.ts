// The simulated engines are in no Swarm: nobody asks them for its nodes.

export class SwarmNodesReader {
  start(): void {
    // Nothing is read.
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
