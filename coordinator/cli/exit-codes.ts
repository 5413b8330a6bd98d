// The exit codes of the command line: what a script can tell by them. `heartmesh help` and the README say the same.

export const exits = {
  done: 0,
  failed: 1,
  misunderstood: 2,
  unwell: 3,
  superseded: 4,
  overdue: 5,
} as const;

/** A test holds the README's table to these. */
export const exitTexts: readonly (readonly [code: number, text: string])[] = [
  [exits.done, "Done, and nothing is wrong with what was asked about."],
  [
    exits.failed,
    "Failed or refused; of `doctor`: errors or warnings; of `notify test`: a channel failed, or there is none.",
  ],
  [exits.misunderstood, "The command line was not understood; nothing was asked."],
  [
    exits.unwell,
    "Answered, and something is not well (`status`, `workers`, `hosts`), or what `--wait` followed ended without success.",
  ],
  [exits.superseded, "What `--wait` followed was superseded: something newer took its place."],
  [exits.overdue, "`--timeout` was over before what `--wait` followed had ended."],
];
