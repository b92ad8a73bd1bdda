import type { FileSystem } from "@holdfast/fsutil";
import { type FaultPlan, faultyFileSystem } from "@holdfast/fsutil/faults";
import { crashStates } from "./crash-states.ts";
import { fingerprint, imageAfter } from "./disk-image.ts";
import { durabilityOf } from "./durable-operations.ts";
import { BadStateError, CrashError } from "./errors.ts";
import type { ExploreCrashesOptions, Workload } from "./explore-crashes.ts";
import { seededRandom } from "./seeded-random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { within } from "./within.ts";

/** Options of {@link exploreFaults}. */
export interface ExploreFaultsOptions<Fact, Recovered>
  extends Pick<ExploreCrashesOptions<Fact, Recovered>, "setup" | "recover" | "check" | "timeoutMs"> {
  /** The work that faults interrupt: it may reject, but not acknowledge what is not there. It is done again for each fault. */
  readonly workload: (workload: Workload<Fact>) => Promise<void> | void;
  /** Errors of the system to try. Default: EIO, ENOSPC, EROFS, EMFILE, EDQUOT. */
  readonly errnos?: readonly string[];
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
 * once and from then on, and with short writes. After each run the disk is well again; the recovery runs on what a kill and what a power cut
 * leave, and is checked against what was acknowledged. A sync that failed has given up what it should have written, as on Linux.
 *
 * @throws {BadStateError} `CRASH_BAD_STATE` for the first fault after which something acknowledged is missing, nothing can be recovered, or nothing ends in time.
 * @throws {CrashError} `CRASH_WORKLOAD` when the work fails without a fault.
 */
export async function exploreFaults<Fact, Recovered>(
  options: ExploreFaultsOptions<Fact, Recovered>,
): Promise<FaultReport> {
  const { errnos = ["EIO", "ENOSPC", "EROFS", "EMFILE", "EDQUOT"] } = options;
  const clean = await attempt(options, { name: "nothing", plan: {} }, undefined);
  if (clean.error !== undefined) {
    throw new CrashError("CRASH_WORKLOAD", "Cannot explore faults: the work itself failed", {
      cause: clean.error,
    });
  }
  const modes: Mode[] = [
    ...errnos.flatMap((errno) => [
      { name: `${errno} once`, plan: { errno } },
      { name: `${errno} from then on`, plan: { errno, lasting: true } },
    ]),
    { name: "a short write", plan: { shortWrites: true, counts: ({ operation }) => operation === "write" } },
  ];
  let faults = 0;
  const seen = new Set<string>();
  for (const mode of modes) {
    for (let at = 1; ; at += 1) {
      const run = await attempt(options, mode, at);
      if (run.injected === 0) break;
      faults += 1;
      await inspect(options, run, `${mode.name} at call ${at}: ${run.call}`, seen);
    }
  }
  return { calls: clean.calls, faults, states: seen.size };
}

interface Attempt<Fact> {
  readonly disk: SimulatedDisk;
  readonly begun: readonly Fact[];
  readonly acknowledged: readonly Fact[];
  readonly injected: number;
  readonly calls: number;
  /** The call that failed first. */
  readonly call: string;
  readonly error: unknown;
}

async function attempt<Fact, Recovered>(
  { setup, workload, timeoutMs = 10_000 }: ExploreFaultsOptions<Fact, Recovered>,
  { name, plan }: Mode,
  at: number | undefined,
): Promise<Attempt<Fact>> {
  const before = new SimulatedDisk();
  await setup?.(before);
  const disk = new SimulatedDisk(
    imageAfter(before.image, before.operations, before.births, () => ({ kind: "kept" })),
  );
  const begun: Fact[] = [];
  const acknowledged: Fact[] = [];
  const isHit = (number: number): boolean =>
    at !== undefined && (number === at || (plan.lasting === true && number > at));
  const faulty = faultyFileSystem(disk, {
    ...plan,
    ...(at === undefined ? {} : { at }),
    beforeCall: ({ number, operation, path }) => {
      if (isHit(number) && (operation === "sync" || operation === "syncDirectory")) disk.noteFailedSync(path);
    },
  });
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
    if (thrown instanceof Error && thrown.message.startsWith("it did not end"))
      throw bad(`the work hangs after ${name} at call ${at}`, thrown);
  }
  const call = faulty.calls.find(({ number }) => number === at);
  return {
    disk,
    begun,
    acknowledged,
    injected: faulty.injected,
    calls: faulty.calls.length,
    call: call === undefined ? "" : `${call.operation} ${call.path}`,
    error,
  };
}

async function inspect<Fact, Recovered>(
  { recover, check, timeoutMs = 10_000 }: ExploreFaultsOptions<Fact, Recovered>,
  { disk, begun, acknowledged }: Attempt<Fact>,
  story: string,
  seen: Set<string>,
): Promise<void> {
  const { operations } = disk;
  const durability = durabilityOf(operations, "posix");
  const options = { model: "posix", durability, limit: 4, random: seededRandom(1) } as const;
  for (const fates of crashStates(operations, operations.length, options)) {
    const image = imageAfter(
      disk.image,
      operations,
      disk.births,
      (index) => fates.get(index) ?? { kind: "kept" },
    );
    const key = `${begun.length} ${acknowledged.length} ${fingerprint(image)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const fileSystem: FileSystem = new SimulatedDisk(image);
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
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BadStateError(`A fault leaves a bad state: ${story}: ${reason}`, {
    seed: story,
    story: [story],
    cause,
  });
}
