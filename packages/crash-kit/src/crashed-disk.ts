import type { CrashPoint } from "./crash-point.ts";
import type { Fates } from "./crash-states.ts";
import { type DiskImage, imageAfter } from "./disk-image.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

/** What a crash leaves of a disk. */
export function crashedImage(
  disk: SimulatedDisk,
  { count, fates }: Pick<CrashPoint, "count" | "fates">,
): DiskImage {
  const before = disk.operations.slice(0, count);
  return imageAfter(disk.image, before, disk.births, (index) => fates.get(index) ?? { kind: "kept" });
}

/** The disk on which a recovery works. After a kill, what was not durable still is not. */
export function crashedDisk(disk: SimulatedDisk, point: Pick<CrashPoint, "count" | "fates">): SimulatedDisk {
  if (!isKill(point.fates)) return new SimulatedDisk(crashedImage(disk, point));
  return new SimulatedDisk(disk.image, {
    operations: disk.operations.slice(0, point.count),
    births: disk.births,
  });
}

/** Whether everything was kept: then nobody cut the power, a process was killed. */
export function isKill(fates: Fates): boolean {
  return [...fates.values()].every(({ kind }) => kind === "kept");
}
