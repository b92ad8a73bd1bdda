import { type DiskImage, fingerprint, imageAfter } from "./disk-image.ts";
import { CrashError, reasonOf } from "./errors.ts";
import type { ExploreCrashesOptions } from "./explore-crashes.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

interface Noted<Fact> {
  readonly fact: Fact;
  /** How many operations had been made. */
  readonly at: number;
}

/** The disk that a setup leaves, all of it durable. */
export async function imageOfSetup(
  setup: ExploreCrashesOptions<unknown, unknown>["setup"],
): Promise<DiskImage> {
  const disk = new SimulatedDisk();
  await setup?.(disk);
  return imageAfter(disk.image, disk.operations, disk.births, () => ({ kind: "kept" }));
}

/** A piece of work that was done once: what it did to the disk, and what it said when. */
export class RecordedWork<Fact> {
  readonly disk: SimulatedDisk;
  readonly #begun: readonly Noted<Fact>[];
  readonly #acknowledged: readonly Noted<Fact>[];

  constructor(disk: SimulatedDisk, begun: readonly Noted<Fact>[], acknowledged: readonly Noted<Fact>[]) {
    this.disk = disk;
    this.#begun = begun;
    this.#acknowledged = acknowledged;
  }

  /** What had been said when so many operations were made. */
  saidAt(count: number): { readonly begun: readonly Fact[]; readonly acknowledged: readonly Fact[] } {
    const until = (noted: readonly Noted<Fact>[]): Fact[] =>
      noted.filter(({ at }) => at <= count).map(({ fact }) => fact);
    return { begun: until(this.#begun), acknowledged: until(this.#acknowledged) };
  }

  /** Two crashes are alike when they leave the same disk and the same promises. */
  keyOf(image: DiskImage, count: number): string {
    const { begun, acknowledged } = this.saidAt(count);
    return `${begun.length} ${acknowledged.length} ${fingerprint(image)}`;
  }

  /** What was said, in words, by the number of operations before it. */
  notes(): ReadonlyMap<number, readonly string[]> {
    const notes = new Map<number, string[]>();
    const add = (word: string, { at, fact }: Noted<Fact>): void => {
      notes.set(at, [...(notes.get(at) ?? []), `${word}: ${JSON.stringify(fact)}`]);
    };
    for (const one of this.#begun) add("begun", one);
    for (const one of this.#acknowledged) add("acknowledged", one);
    return notes;
  }
}

/** Does the work once. */
export async function recordWork<Fact>({
  setup,
  workload,
}: Pick<ExploreCrashesOptions<Fact, unknown>, "setup" | "workload">): Promise<RecordedWork<Fact>> {
  try {
    const disk = new SimulatedDisk(await imageOfSetup(setup));
    const begun: Noted<Fact>[] = [];
    const acknowledged: Noted<Fact>[] = [];
    await workload({
      fileSystem: disk,
      begin: (fact) => void begun.push({ fact, at: disk.operations.length }),
      acknowledge: (fact) => void acknowledged.push({ fact, at: disk.operations.length }),
    });
    return new RecordedWork(disk, begun, acknowledged);
  } catch (error) {
    throw new CrashError(
      "CRASH_WORKLOAD",
      `Cannot explore crashes: the work itself failed: ${reasonOf(error)}`,
      {
        cause: error,
      },
    );
  }
}
