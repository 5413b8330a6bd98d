// Whether DATA_DIR takes writes, and for how long it will.

import { mkdir, open, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { inTime } from "../io/in-time.ts";
import { symptom, type Symptom } from "./ailments.ts";

const patience = 3_000;
const mebi = 1024 * 1024;
/** Of what a user may still take. */
const full = 16 * mebi;
const nearly = { bytes: 256 * mebi, share: 0.05 } as const;

/** Never rejects. */
export async function ofDisk(dir: string): Promise<readonly Symptom[]> {
  try {
    return await inTime(patience, () => examine(dir));
  } catch (error) {
    const text = `DATA_DIR ${dir} takes no writes: ${(error as Error).message}.`;
    return [symptom("disk-unwritable", dir, text)];
  }
}

async function examine(dir: string): Promise<readonly Symptom[]> {
  await mkdir(dir, { recursive: true });
  const probe = path.join(dir, `.doctor-${process.pid}-${performance.now()}`);
  try {
    const file = await open(probe, "wx");
    await file.writeFile("heartmesh doctor\n");
    await file.sync();
    await file.close();
  } finally {
    await rm(probe, { force: true });
  }
  const { bavail, blocks, bsize } = await statfs(dir);
  const left = bavail * bsize;
  const share = bavail / Math.max(1, blocks);
  const text = `${Math.round(left / mebi)} MiB (${(100 * share).toFixed(1)} %) are left for DATA_DIR ${dir}.`;
  if (left < full) return [symptom("disk-full", dir, text)];
  if (left < nearly.bytes || share < nearly.share) return [symptom("disk-nearly-full", dir, text)];
  return [];
}
