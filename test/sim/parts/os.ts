// The machine's name and load: asked for with each answer of an agent, and a call to the kernel each time.

export { constants } from "node:os";

export const hostname = (): string => "simulated";
export const loadavg = (): number[] => [0.1, 0.1, 0.1];
