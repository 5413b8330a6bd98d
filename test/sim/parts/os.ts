// The machine's name, load and size: asked for with each answer of an agent, and a call to the kernel each time.

export { constants } from "node:os";

export const hostname = (): string => "simulated";
export const availableParallelism = (): number => 2;
export const totalmem = (): number => 8 * 2 ** 30;
export const freemem = (): number => 4 * 2 ** 30;
export const loadavg = (): number[] => [0.1, 0.1, 0.1];
