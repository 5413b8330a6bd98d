// Which version of the engine's API is spoken.

/** The newest API that the shapes read here were checked against; an older engine is spoken to in its own. */
const newestSpoken = "1.51";

/** The newest version that both speak; undefined (none in the path) where the engine has left ours behind. */
export function agreedVersion(
  engine: string | undefined,
  oldest: string | undefined,
): string | undefined {
  if (engine === undefined) return undefined;
  if (compareVersions(engine, newestSpoken) <= 0) return engine;
  if (oldest !== undefined && compareVersions(oldest, newestSpoken) > 0) return undefined;
  return newestSpoken;
}

function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}
