import { type FaultPlan, faultyFileSystem } from "@holdfast/fsutil/faults";
import { crashStates } from "./crash-states.ts";
import { crashedDisk, crashedImage } from "./crashed-disk.ts";
import { type DiskImage, fingerprint } from "./disk-image.ts";
import { durabilityOf } from "./durable-operations.ts";
import { BadStateError, CrashError, reasonOf } from "./errors.ts";
import type { ExploreCrashesOptions, Workload } from "./explore-crashes.ts";
import { imageOfSetup } from "./recorded-work.ts";
import { seededRandom } from "./seeded-random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { LateError, within } from "./within.ts";

/** Options of {@link exploreFaults}. */
export interface ExploreFaultsOptions<Fact, Recovered>
  extends Pick<ExploreCrashesOptions<Fact, Recovered>, "setup" | "recover" | "check" | "timeoutMs"> {
  /** The work that faults interrupt: it may reject, but not acknowledge what is not there. It is done again for each fault. */
  readonly workload: (workload: Workload<Fact>) => Promise<void> | void;
  /** Errors of the system to try. Default: EIO, ENOSPC, EROFS, EMFILE, EDQUOT. */
  readonly errnos?: readonly string[];
  /** How much longer every sync takes in one more run, in milliseconds: the work must still end well, in `timeoutMs`. Default 2. */
  readonly slowSyncMs?: number;
}

/** What was tried. */
export interface FaultReport {
  /** Calls of the file system that the work makes when nothing fails. */
  readonly calls: number;
  /** Runs with a fault: each call, each error, once and lasting, and short writes. */
  readonly faults: number;
  /** Distinct states that were recovered from and checked. */
  readonly states: number;
}

interface Mode {
  readonly name: string;
  readonly plan: Omit<FaultPlan, "at">;
}

/**
 * Does a piece of work again and again on a simulated disk, and makes another call of the file system fail each time: with each error of the system,
 * once and from then on, once after it took effect, and with short writes. After each run the disk is well again; the recovery runs on what a
 * kill and what a power cut leave, and is checked against what was acknowledged. A sync that failed has given up what it should have written,
 * as on Linux.
 *
 * @throws {BadStateError} `CRASH_BAD_STATE` for the first fault after which something acknowledged is missing, nothing can be recovered,
 *   nothing ends in time, or files stay open.
 * @throws {CrashError} `CRASH_WORKLOAD` when the work fails without a fault.
 */
export async function exploreFaults<Fact, Recovered>(
  options: ExploreFaultsOptions<Fact, Recovered>,
): Promise<FaultReport> {
  const { slowSyncMs = 2 } = options;
  const image = await imageOfWork(options.setup);
  const clean = await attempt(options, image, { name: "nothing", plan: {} });
  const slow = await attempt(options, image, { name: "slow syncs", plan: { slowSyncMs } });
  for (const { error, mode } of [clean, slow]) {
    if (error === undefined) continue;
    const when = mode.plan.slowSyncMs === undefined ? "" : ` when every sync takes ${slowSyncMs} ms`;
    throw new CrashError(
      "CRASH_WORKLOAD",
      `Cannot explore faults: the work itself failed${when}: ${reasonOf(error)}`,
      {
        cause: error,
      },
    );
  }
  let faults = 0;
  const seen = new Set<string>();
  await inspect(options, slow, seen);
  for (const mode of modesOf(options)) {
    for (let at = 1; ; at += 1) {
      const run = await attempt(options, image, mode, at);
      if (run.injected === 0) break;
      faults += 1;
      await inspect(options, run, seen);
    }
  }
  return { calls: clean.calls, faults, states: seen.size };
}

async function imageOfWork(setup: ExploreFaultsOptions<unknown, unknown>["setup"]): Promise<DiskImage> {
  try {
    return await imageOfSetup(setup);
  } catch (error) {
    throw new CrashError("CRASH_WORKLOAD", "Cannot explore faults: the setup failed", { cause: error });
  }
}

function modesOf({
  errnos = ["EIO", "ENOSPC", "EROFS", "EMFILE", "EDQUOT"],
}: Pick<ExploreFaultsOptions<unknown, unknown>, "errnos">): readonly Mode[] {
  return [
    ...errnos.flatMap((errno) => [
      { name: `${errno} once`, plan: { errno } },
      { name: `${errno} from then on`, plan: { errno, lasting: true } },
    ]),
    { name: "EIO after it took effect", plan: { errno: "EIO", afterEffect: true } },
    { name: "a short write", plan: { shortWrites: true, counts: ({ operation }) => operation === "write" } },
  ];
}

interface Attempt<Fact> {
  readonly mode: Mode;
  readonly disk: SimulatedDisk;
  readonly begun: readonly Fact[];
  readonly acknowledged: readonly Fact[];
  readonly injected: number;
  readonly calls: number;
  /** What failed, in words. */
  readonly story: string;
  readonly error: unknown;
}

async function attempt<Fact, Recovered>(
  { workload, timeoutMs = 10_000 }: ExploreFaultsOptions<Fact, Recovered>,
  image: DiskImage,
  mode: Mode,
  at?: number,
): Promise<Attempt<Fact>> {
  const disk = new SimulatedDisk(image);
  const begun: Fact[] = [];
  const acknowledged: Fact[] = [];
  const { plan, name } = mode;
  const isHit = (number: number): boolean =>
    at !== undefined && (number === at || (plan.lasting === true && number > at));
  const faulty = faultyFileSystem(disk, {
    ...plan,
    ...(at === undefined ? {} : { at }),
    beforeCall: ({ number, operation, path }) => {
      if (isHit(number) && (operation === "sync" || operation === "syncDirectory")) disk.noteFailedSync(path);
    },
  });
  const storyOf = (): string => {
    const call = faulty.calls.find(({ number }) => number === at);
    return call === undefined ? name : `${name} at call ${at}: ${call.operation} ${call.path}`;
  };
  let error: unknown;
  try {
    await within(timeoutMs, async () =>
      workload({
        fileSystem: faulty,
        begin: (fact) => void begun.push(fact),
        acknowledge: (fact) => void acknowledged.push(fact),
      }),
    );
  } catch (thrown) {
    error = thrown;
    if (thrown instanceof LateError) throw bad(storyOf(), thrown);
  }
  const said = { begun, acknowledged, injected: faulty.injected, calls: faulty.calls.length };
  if (faulty.openFiles > 0) throw bad(storyOf(), new Error(`${faulty.openFiles} files stay open`));
  return { mode, disk, ...said, story: storyOf(), error };
}

async function inspect<Fact, Recovered>(
  { recover, check, timeoutMs = 10_000 }: ExploreFaultsOptions<Fact, Recovered>,
  { disk, begun, acknowledged, story }: Attempt<Fact>,
  seen: Set<string>,
): Promise<void> {
  const { operations } = disk;
  const durability = durabilityOf(operations, "posix");
  const states = crashStates(operations, operations.length, {
    model: "posix",
    durability,
    random: seededRandom(1),
  });
  // All kept and all lost come first.
  for (let taken = 0; taken < 4; taken += 1) {
    const { value: fates } = states.next();
    if (fates === undefined) return;
    const point = { count: operations.length, fates };
    const key = `${begun.length} ${acknowledged.length} ${fingerprint(crashedImage(disk, point))}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const fileSystem = crashedDisk(disk, point);
    try {
      await within(timeoutMs, async () => {
        const recovered = await recover(fileSystem);
        await check({ recovered, fileSystem, begun, acknowledged });
      });
    } catch (error) {
      throw bad(story, error);
    }
  }
}

function bad(story: string, cause: unknown): BadStateError {
  return new BadStateError(`A fault leaves a bad state: ${story}: ${reasonOf(cause)}`, {
    seed: story,
    story: [story],
    cause,
  });
}
