import type { FileSystem } from "@holdfast/fsutil";
import { type CrashPoint, describePoint, encodePoint, parsePoints } from "./crash-point.ts";
import { crashStates, type Fates } from "./crash-states.ts";
import { type DiskImage, fingerprint, imageAfter } from "./disk-image.ts";
import { type DiskModel, type Durability, durabilityOf } from "./durable-operations.ts";
import { BadStateError, CrashError } from "./errors.ts";
import { type SeededRandom, seededRandom } from "./seeded-random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { within } from "./within.ts";

/** What a workload is given. */
export interface Workload<Fact> {
  /** The disk. Everything the workload writes must go through it. */
  readonly fileSystem: FileSystem;
  /** Says that something was begun: after a crash it may be there, or not, or as the check allows. */
  readonly begin: (fact: Fact) => void;
  /** Says that something was acknowledged: after a crash it must be there. */
  readonly acknowledge: (fact: Fact) => void;
}

/** What a check is given, after the recovery. */
export interface Aftermath<Fact, Recovered> {
  readonly recovered: Recovered;
  /** The disk, as the recovery left it. */
  readonly fileSystem: FileSystem;
  /** What was begun before the crash, in order. */
  readonly begun: readonly Fact[];
  /** What was acknowledged before the crash, in order. */
  readonly acknowledged: readonly Fact[];
}

/** How far to look. */
export interface CrashBudget {
  /** Distinct states at most for each model. Default 2,000. */
  readonly states?: number;
  /** Of them, crashes inside a recovery, at most for each model. Default 200. */
  readonly nested?: number;
}

/** Options of {@link exploreCrashes}. */
export interface ExploreCrashesOptions<Fact, Recovered> {
  /** Makes what is there before; all of it is durable. */
  readonly setup?: (fileSystem: FileSystem) => Promise<void> | void;
  /** The work that crashes interrupt. It is done once, and must do the same each time. */
  readonly workload: (workload: Workload<Fact>) => Promise<void> | void;
  /** What a program does when it starts again. It runs on every state. */
  readonly recover: (fileSystem: FileSystem) => Promise<Recovered> | Recovered;
  /** Throws when a promise is broken. */
  readonly check: (aftermath: Aftermath<Fact, Recovered>) => Promise<void> | void;
  /** Default: both. */
  readonly model?: DiskModel | readonly DiskModel[];
  readonly budget?: CrashBudget;
  /** A number chooses the random states (default 1); the seed of a {@link BadStateError} looks at its state alone. */
  readonly seed?: number | string;
  /** How long a recovery and its check may take, in milliseconds; default 10,000. */
  readonly timeoutMs?: number;
}

/** What an exploration looked at. */
export interface CrashReport {
  /** Changes and syncs that the workload made: a crash was tried before, between and after them. */
  readonly operations: number;
  /** Distinct states that crashes of the workload left, over all models. */
  readonly states: number;
  /** Distinct states that crashes of a recovery left, over all models. */
  readonly nested: number;
}

interface Noted<Fact> {
  readonly fact: Fact;
  /** How many operations had been made. */
  readonly at: number;
}

interface Recorded<Fact> {
  readonly disk: SimulatedDisk;
  readonly begun: readonly Noted<Fact>[];
  readonly acknowledged: readonly Noted<Fact>[];
}

/**
 * Does a piece of work once on a simulated disk, then cuts the power before, between and after all its operations, makes the states that a
 * real disk may be in, runs the recovery on each distinct one, and checks it; and again with crashes inside the recovery.
 *
 * @returns How much was looked at.
 * @throws {BadStateError} `CRASH_BAD_STATE` for the first state that is bad, after it was made as simple as possible, with its story and seed.
 * @throws {CrashError} `CRASH_WORKLOAD`, `CRASH_SEED`.
 */
export async function exploreCrashes<Fact, Recovered>(
  options: ExploreCrashesOptions<Fact, Recovered>,
): Promise<CrashReport> {
  const { model = ["posix", "ordered"], seed = 1 } = options;
  const recorded = await record(options);
  const exploration = new Exploration(options, recorded);
  if (typeof seed === "string") return exploration.reproduce(seed);
  for (const one of typeof model === "string" ? [model] : model)
    await exploration.explore(one, seededRandom(seed));
  return exploration.report;
}

async function record<Fact, Recovered>(
  options: ExploreCrashesOptions<Fact, Recovered>,
): Promise<Recorded<Fact>> {
  try {
    const before = new SimulatedDisk();
    await options.setup?.(before);
    const image = imageAfter(before.image, before.operations, before.births, () => ({ kind: "kept" }));
    const disk = new SimulatedDisk(image);
    const begun: Noted<Fact>[] = [];
    const acknowledged: Noted<Fact>[] = [];
    await options.workload({
      fileSystem: disk,
      begin: (fact) => void begun.push({ fact, at: disk.operations.length }),
      acknowledge: (fact) => void acknowledged.push({ fact, at: disk.operations.length }),
    });
    return { disk, begun, acknowledged };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CrashError("CRASH_WORKLOAD", `Cannot explore crashes: the work itself failed: ${reason}`, {
      cause: error,
    });
  }
}

class Exploration<Fact, Recovered> {
  readonly #options: ExploreCrashesOptions<Fact, Recovered>;
  readonly #recorded: Recorded<Fact>;
  #states = 0;
  #nested = 0;

  constructor(options: ExploreCrashesOptions<Fact, Recovered>, recorded: Recorded<Fact>) {
    this.#options = options;
    this.#recorded = recorded;
  }

  get report(): CrashReport {
    return { operations: this.#recorded.disk.operations.length, states: this.#states, nested: this.#nested };
  }

  async explore(model: DiskModel, random: SeededRandom): Promise<void> {
    const { states = 2_000, nested = 200 } = this.#options.budget ?? {};
    const { disk } = this.#recorded;
    const durability = durabilityOf(disk.operations, model);
    const points = disk.operations.length + 1;
    const limit = Math.max(12, Math.ceil((2 * states) / points));
    const seen = new Set<string>();
    const seenNested = new Set<string>();
    for (let count = 0; count < points && seen.size < states; count += 1) {
      for (const fates of crashStates(disk.operations, count, { model, durability, limit, random })) {
        if (seen.size >= states) break;
        const image = imageOf(disk, count, fates);
        const key = this.#keyOf(image, count);
        if (seen.has(key)) continue;
        seen.add(key);
        this.#states += 1;
        const recovery = await this.#try(image, [{ model, count, fates }], durability);
        const share = Math.ceil(nested / states) + (random() < nested / states ? 1 : 0);
        if (seenNested.size < nested && share > 0)
          await this.#crashAgain(recovery, { model, count, fates }, seenNested, random);
      }
    }
  }

  /** Looks at the one state that a seed names. */
  async reproduce(seed: string): Promise<CrashReport> {
    const points = parsePoints(seed);
    const { disk } = this.#recorded;
    let at = disk;
    for (const point of points) {
      if (point.count > at.operations.length) {
        throw new CrashError(
          "CRASH_SEED",
          `Cannot reproduce "${seed}": the work has only ${at.operations.length} operations; it is the seed of another one`,
        );
      }
      const image = imageOf(at, point.count, point.fates);
      this.#states += 1;
      if (point === points.at(-1)) {
        const failure = await this.#failureOf(image, points[0]?.count ?? 0);
        if (failure !== undefined) throw this.#bad(points, failure.error);
      } else {
        at = diskAfter(at, point.count, point.fates);
        await this.#options.recover(at);
      }
    }
    return this.report;
  }

  /** Crashes at some places of a recovery that went well, and recovers from that. */
  async #crashAgain(
    recovery: SimulatedDisk,
    first: CrashPoint,
    seen: Set<string>,
    random: SeededRandom,
  ): Promise<void> {
    const { operations } = recovery;
    // Of a disk that a killed process left, the operations before the recovery are still among them.
    const start = isKill(first.fates) ? first.count : 0;
    if (operations.length === start) return;
    const durability = durabilityOf(operations, first.model);
    const options = { model: first.model, durability, limit: 3, random };
    const { nested = 200 } = this.#options.budget ?? {};
    for (let tries = 0; tries < 4; tries += 1) {
      const count = start + 1 + Math.floor(random() * (operations.length - start));
      for (const fates of crashStates(operations, count, options)) {
        if (seen.size >= nested) return;
        const image = imageOf(recovery, count, fates);
        const key = this.#keyOf(image, first.count);
        if (seen.has(key)) continue;
        seen.add(key);
        this.#nested += 1;
        const failure = await this.#failureOf(image, first.count);
        if (failure !== undefined) {
          throw this.#bad([first, { model: first.model, count, fates }], failure.error);
        }
      }
    }
  }

  /** Recovers from a state and checks it; gives the disk the recovery worked on. */
  async #try(
    image: DiskImage,
    points: readonly CrashPoint[],
    durability: Durability,
  ): Promise<SimulatedDisk> {
    const [point] = points;
    if (point === undefined) throw new RangeError("There is no point to crash at");
    const disk = diskAfter(this.#recorded.disk, point.count, point.fates);
    const failure = await this.#failureOf(image, point.count, disk);
    if (failure === undefined) return disk;
    const simple = await this.#simplest(point, durability);
    throw this.#bad([simple.point], simple.error ?? failure.error);
  }

  /** The same crash with as few operations lost as still fail. */
  async #simplest(
    point: CrashPoint,
    { from }: Durability,
  ): Promise<{ readonly point: CrashPoint; readonly error?: unknown }> {
    const { disk } = this.#recorded;
    let fates: Fates = new Map([...point.fates].filter(([index]) => (from[index] ?? 0) > point.count));
    let error: unknown;
    for (const [index, fate] of fates) {
      if (fate.kind === "kept") continue;
      const simpler = new Map(fates).set(index, { kind: "kept" });
      const failure = await this.#failureOf(imageOf(disk, point.count, simpler), point.count);
      if (failure === undefined) continue;
      fates = simpler;
      error = failure.error;
    }
    return { point: { ...point, fates }, ...(error === undefined ? {} : { error }) };
  }

  async #failureOf(
    image: DiskImage,
    count: number,
    disk = new SimulatedDisk(image),
  ): Promise<{ readonly error: unknown } | undefined> {
    const { recover, check, timeoutMs = 10_000 } = this.#options;
    const until = (noted: readonly Noted<Fact>[]): Fact[] =>
      noted.filter(({ at }) => at <= count).map(({ fact }) => fact);
    try {
      await within(timeoutMs, async () => {
        const recovered = await recover(disk);
        await check({
          recovered,
          fileSystem: new SimulatedDisk(imageOf(disk, disk.operations.length, new Map())),
          begun: until(this.#recorded.begun),
          acknowledged: until(this.#recorded.acknowledged),
        });
      });
      return undefined;
    } catch (error) {
      return { error };
    }
  }

  /** Two crashes are alike when they leave the same disk and the same promises. */
  #keyOf(image: DiskImage, count: number): string {
    const { begun, acknowledged } = this.#recorded;
    const given = (noted: readonly Noted<Fact>[]): number => noted.filter(({ at }) => at <= count).length;
    return `${given(begun)} ${given(acknowledged)} ${fingerprint(image)}`;
  }

  #bad(points: readonly CrashPoint[], error: unknown): BadStateError {
    const [first] = points;
    const story = [
      ...(first === undefined ? [] : describePoint(first, this.#recorded.disk.operations, this.#notes())),
      ...points
        .slice(1)
        .map(({ count, fates }) => `the recovery crashes after ${count} operations (${fates.size} unsynced)`),
    ];
    const seed = points.map(encodePoint).join("+");
    const reason = error instanceof Error ? error.message : String(error);
    const message = `A crash leaves a bad state: ${reason}\n  ${story.join("\n  ")}\n  to see it again: seed: ${JSON.stringify(seed)}`;
    return new BadStateError(message, { seed, story, cause: error });
  }

  #notes(): ReadonlyMap<number, string[]> {
    const notes = new Map<number, string[]>();
    const add = (word: string, { at, fact }: Noted<Fact>): void => {
      notes.set(at, [...(notes.get(at) ?? []), `${word}: ${JSON.stringify(fact)}`]);
    };
    for (const one of this.#recorded.begun) add("begun", one);
    for (const one of this.#recorded.acknowledged) add("acknowledged", one);
    return notes;
  }
}

/** Whether everything was kept: then nobody cut the power, a process was killed. */
function isKill(fates: Fates): boolean {
  return [...fates.values()].every(({ kind }) => kind === "kept");
}

/** The disk on which a recovery works. After a kill, what was not durable still is not. */
function diskAfter(disk: SimulatedDisk, count: number, fates: Fates): SimulatedDisk {
  if (!isKill(fates)) return new SimulatedDisk(imageOf(disk, count, fates));
  return new SimulatedDisk(disk.image, { operations: disk.operations.slice(0, count), births: disk.births });
}

function imageOf(disk: SimulatedDisk, count: number, fates: Fates): DiskImage {
  return imageAfter(
    disk.image,
    disk.operations.slice(0, count),
    disk.births,
    (index) => fates.get(index) ?? { kind: "kept" },
  );
}
