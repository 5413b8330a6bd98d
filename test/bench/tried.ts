// One trial of a benchmark that may fail without taking the others with it.

/** A trial that failed is told and is no sample: a figure with fewer samples, or none, says so itself. */
export async function tried(what: string, trial: () => Promise<unknown>): Promise<void> {
  try {
    await trial();
  } catch (error) {
    console.error(`a trial of ${what} failed: ${String(error)}`);
  }
}
