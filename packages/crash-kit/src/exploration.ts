import { badState, type CrashedRecovery } from "./bad-state.ts";
import { type CrashPoint, parsePoints } from "./crash-point.ts";
import { crashStates, type Fates } from "./crash-states.ts";
import { crashedDisk, crashedImage, isKill } from "./crashed-disk.ts";
import { type DiskModel, durabilityOf } from "./durable-operations.ts";
import { CrashError } from "./errors.ts";
import type { CrashReport, ExploreCrashesOptions } from "./explore-crashes.ts";
import type { RecordedWork } from "./recorded-work.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { within } from "./within.ts";

/** States of one moment that are looked at before those of the next moment have their turn. */
const ROUND = 12;
/** So many states in a row that are known already: a moment has no new ones. */
const PATIENCE = 60;

interface Failure {
  readonly error: unknown;
}

/** Looks at the states that crashes of a recorded piece of work leave. */
export class Exploration<Fact, Recovered> {
  readonly #options: ExploreCrashesOptions<Fact, Recovered>;
  readonly #work: RecordedWork<Fact>;
  #states = 0;
  #nested = 0;

  constructor(options: ExploreCrashesOptions<Fact, Recovered>, work: RecordedWork<Fact>) {
    this.#options = options;
    this.#work = work;
  }

  get report(): CrashReport {
    return { operations: this.#work.disk.operations.length, states: this.#states, nested: this.#nested };
  }

  /** Looks at every moment, some states at a time, so that a small budget reaches the last moment too. */
  async explore(model: DiskModel, random: SeededRandom): Promise<void> {
    const { states = 2_000, nested = 200 } = this.#options.budget ?? {};
    const { operations } = this.#work.disk;
    const durability = durabilityOf(operations, model);
    const seen = new Set<string>();
    const writing: CrashPoint[] = [];
    let moments = Array.from({ length: operations.length + 1 }, (_, count) => ({
      count,
      fates: crashStates(operations, count, { model, durability, random }),
      known: 0,
    }));
    while (moments.length > 0 && seen.size < states) {
      for (const moment of moments) {
        for (let taken = 0; taken < ROUND && seen.size < states && moment.known < PATIENCE; ) {
          const { value: fates, done } = moment.fates.next();
          if (done === true) moment.known = PATIENCE;
          if (fates === undefined) break;
          const point = { model, count: moment.count, fates };
          const key = this.#work.keyOf(crashedImage(this.#work.disk, point), point.count);
          moment.known = seen.has(key) ? moment.known + 1 : 0;
          if (seen.has(key)) continue;
          seen.add(key);
          taken += 1;
          const recovery = await this.#recover(point);
          if (recovery.operations.length > startOf(point)) writing.push(point);
        }
      }
      moments = moments.filter(({ known }) => known < PATIENCE);
    }
    await this.#crashRecoveries(writing, nested, random);
  }

  /** Looks at the one state that a seed names. */
  async reproduce(seed: string): Promise<CrashReport> {
    const [first, second] = parsePoints(seed);
    if (first === undefined) return this.report;
    const isPossible = (disk: SimulatedDisk, { count }: CrashPoint): void => {
      if (count > disk.operations.length) {
        throw new CrashError(
          "CRASH_SEED",
          `Cannot reproduce "${seed}": the work has only ${disk.operations.length} operations; it is the seed of another one`,
        );
      }
    };
    isPossible(this.#work.disk, first);
    const disk = crashedDisk(this.#work.disk, first);
    const failure = await this.#failureOf(disk, first.count);
    this.#states += 1;
    if (second === undefined) {
      if (failure !== undefined) throw badState(this.#work, first, failure.error);
      return this.report;
    }
    isPossible(disk, second);
    this.#nested += 1;
    await this.#recoverAgain(first, { point: second, disk });
    return this.report;
  }

  /** Crashes recoveries that write, in random places, and recovers from that. */
  async #crashRecoveries(
    writing: readonly CrashPoint[],
    nested: number,
    random: SeededRandom,
  ): Promise<void> {
    const seen = new Set<string>();
    for (let known = 0; writing.length > 0 && seen.size < nested && known < PATIENCE; ) {
      const first = writing[Math.floor(random() * writing.length)];
      if (first === undefined) return;
      const disk = await this.#recover(first, false);
      const start = startOf(first);
      const durability = durabilityOf(disk.operations, first.model);
      known += 1;
      for (let tries = 0; tries < 4; tries += 1) {
        const count = start + 1 + Math.floor(random() * (disk.operations.length - start));
        const states = crashStates(disk.operations, count, { model: first.model, durability, random });
        for (let taken = 0; taken < 3 && seen.size < nested; taken += 1) {
          const fates = states.next().value;
          if (fates === undefined) break;
          const point = { model: first.model, count, fates };
          const key = this.#work.keyOf(crashedImage(disk, point), first.count);
          if (seen.has(key)) continue;
          seen.add(key);
          known = 0;
          this.#nested += 1;
          await this.#recoverAgain(first, { point, disk });
        }
      }
    }
  }

  /** Recovers from a crash and checks it; gives the disk the recovery worked on. */
  async #recover(point: CrashPoint, isNew = true): Promise<SimulatedDisk> {
    const disk = crashedDisk(this.#work.disk, point);
    if (isNew) this.#states += 1;
    const failure = await this.#failureOf(disk, point.count);
    if (failure === undefined) return disk;
    const simple = await simplest(point.fates, failure, (fates) => {
      return this.#failureOf(crashedDisk(this.#work.disk, { count: point.count, fates }), point.count);
    });
    throw badState(this.#work, { ...point, fates: simple.fates }, simple.error);
  }

  async #recoverAgain(first: CrashPoint, { point, disk }: CrashedRecovery): Promise<void> {
    const failureOf = (fates: Fates): Promise<Failure | undefined> =>
      this.#failureOf(crashedDisk(disk, { count: point.count, fates }), first.count);
    const failure = await failureOf(point.fates);
    if (failure === undefined) return;
    const simple = await simplest(point.fates, failure, failureOf);
    throw badState(this.#work, first, simple.error, { point: { ...point, fates: simple.fates }, disk });
  }

  /** Recovers on a disk and checks what the work promised in so many operations. */
  async #failureOf(disk: SimulatedDisk, count: number): Promise<Failure | undefined> {
    const { recover, check, timeoutMs = 10_000 } = this.#options;
    try {
      await within(timeoutMs, async () => {
        const recovered = await recover(disk);
        const left = crashedImage(disk, { count: disk.operations.length, fates: new Map() });
        await check({ recovered, fileSystem: new SimulatedDisk(left), ...this.#work.saidAt(count) });
      });
      return undefined;
    } catch (error) {
      return { error };
    }
  }
}

/** Where the recovery's own operations begin on its disk: after a kill, those of the work are still before them. */
function startOf({ fates, count }: CrashPoint): number {
  return isKill(fates) ? count : 0;
}

/** The same crash with as few operations lost as still fail. */
async function simplest(
  fates: Fates,
  failure: Failure,
  failureOf: (fates: Fates) => Promise<Failure | undefined>,
): Promise<Failure & { readonly fates: Fates }> {
  let simple = { fates, error: failure.error };
  for (const [index, { kind }] of fates) {
    if (kind === "kept") continue;
    const simpler = new Map(simple.fates).set(index, { kind: "kept" });
    const still = await failureOf(simpler);
    if (still !== undefined) simple = { fates: simpler, error: still.error };
  }
  return simple;
}
