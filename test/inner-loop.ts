// `npm run test:unit` is run after every few lines that are written: there, long runs in virtual time are shorter. `npm test` runs them whole.

const share = process.env.INNER_LOOP === "true" ? 0.2 : 1;

/** So many seeds, trials or minutes, or a fifth of them in the inner loop; at least one. */
export const inFull = (count: number): number => Math.max(1, Math.ceil(count * share));
