// What is remembered has a bound.

/** Until `kept` holds at most `bound`; maps and sets hold what was put in first, first. */
export function forgetOldest(kept: Set<string> | Map<string, unknown>, bound: number): void {
  for (const key of kept.keys()) {
    if (kept.size <= bound) return;
    kept.delete(key);
  }
}
