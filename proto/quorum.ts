// How many of the coordinators decide, by agents and coordinators alike.

/** More than half of the configured ones, whether they live or not. */
export const quorumOf = (configured: number): number => Math.floor(configured / 2) + 1;
