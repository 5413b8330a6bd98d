// The load of a simulated worker's container: nobody measures it.

export class LoadGauge {
  read(): number | undefined {
    return undefined;
  }
}
