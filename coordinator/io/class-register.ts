// The core's classes and sources as they were built: a checkpoint is written and read by them. Filled by the build (compose/open-core.ts).

export type CoreClass = abstract new (...args: never[]) => object;

/** By name. Empty where the core runs from source: its private fields are then out of reach, and no checkpoint can be made. */
export const coreClasses = new Map<string, CoreClass>();

/** The other way round: a bundler may have given the class itself another name. */
export const namesOfPrototypes = new Map<object, string>();

/** A digest of each source file of the core, so that a replay can say where its core is another one. */
export const coreSources: Record<string, string> = {};

/** Called by what the build adds to each file. @public */
export function registerClasses(
  file: string,
  digest: string,
  classes: Readonly<Record<string, CoreClass>>,
): void {
  coreSources[file] = digest;
  for (const [name, one] of Object.entries(classes)) {
    if (coreClasses.has(name)) throw new Error(`two classes of the core are called ${name}`);
    coreClasses.set(name, one);
    namesOfPrototypes.set(one.prototype as object, name);
  }
}
