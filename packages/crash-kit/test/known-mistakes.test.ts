import assert from "node:assert/strict";
import { type FileSystem, writeFileAtomicSync } from "@holdfast/fsutil";
import { describe, it } from "vitest";
import { BadStateError, exploreCrashes, exploreFaults, type Workload } from "../src/index.ts";
import { type ManualClock, OldLock } from "./old-lock.ts";
import { type LogMistake, type ReplaceMistake, replaceFile, SmallLog } from "./writers.ts";

const OLD = "the old content, which is there";
const NEXT = ["a", "b".repeat(700)];

const textOf = (fs: FileSystem): string | undefined => {
  if (fs.lstatSync("/state") === undefined) return undefined;
  const file = fs.openSync("/state", "read");
  const bytes = Buffer.alloc(file.statSync().size);
  file.readSync(bytes, 0);
  file.closeSync();
  return bytes.toString("latin1");
};

function replacing(mistake?: ReplaceMistake) {
  return {
    setup: (fs: FileSystem) => replaceFile(fs, "/state", OLD),
    workload: ({ fileSystem, begin, acknowledge }: Workload<string>) => {
      for (const text of NEXT) {
        begin(text);
        replaceFile(fileSystem, "/state", text, mistake);
        acknowledge(text);
      }
    },
    recover: textOf,
    check: (after: {
      recovered: string | undefined;
      begun: readonly string[];
      acknowledged: readonly string[];
    }) => {
      const { recovered, begun, acknowledged } = after;
      const oldest = acknowledged.at(-1) ?? OLD;
      const allowed = [oldest, ...begun.slice(acknowledged.length)];
      assert.ok(recovered !== undefined && allowed.includes(recovered), `found ${recovered?.slice(0, 20)}`);
    },
  };
}

function logging(mistake?: LogMistake) {
  const lines = ["one", "two", "three", "four", "five"];
  return {
    workload: ({ fileSystem, begin, acknowledge }: Workload<string>) => {
      const log = new SmallLog(fileSystem, mistake);
      log.open();
      for (const line of lines) {
        begin(line);
        log.append(line);
        acknowledge(line);
      }
    },
    recover: (fs: FileSystem) => {
      const log = new SmallLog(fs, mistake);
      const found = log.open();
      new SmallLog(fs, mistake).append("after");
      return { found, after: new SmallLog(fs, mistake).open() };
    },
    check: (after: {
      recovered: { readonly found: readonly string[]; readonly after: readonly string[] };
      begun: readonly string[];
      acknowledged: readonly string[];
    }) => {
      const { recovered, begun, acknowledged } = after;
      const found = recovered.found.filter((line) => line !== "after");
      // The log keeps its last three to four lines.
      const wanted = acknowledged.slice(-2);
      for (const line of wanted) assert.ok(found.includes(line), `"${line}" is not among ${found.join()}`);
      for (const line of found) assert.ok(begun.includes(line), `"${line}" was never written`);
      assert.equal(recovered.after.at(-1), "after");
    },
  };
}

const sumOf = (fs: FileSystem): number => Number(textOf(fs) ?? 0);

/** Two holders add to a sum. The first is suspended between its reading and its writing. */
function counting(byAge: boolean) {
  return {
    workload: ({ fileSystem, acknowledge }: Workload<number>) => {
      const clock: ManualClock = { now: 0 };
      const first = new OldLock(fileSystem, clock, byAge);
      const second = new OldLock(fileSystem, clock, byAge);
      first.take();
      const read = sumOf(fileSystem);
      clock.now += 30_000;
      if (second.take()) {
        replaceFile(fileSystem, "/state", String(sumOf(fileSystem) + 1));
        acknowledge(1);
        second.giveBack();
      }
      replaceFile(fileSystem, "/state", String(read + 1));
      acknowledge(1);
    },
    recover: sumOf,
    check: ({ recovered, acknowledged }: { recovered: number; acknowledged: readonly number[] }) =>
      assert.ok(recovered >= acknowledged.length, `the sum is ${recovered} after ${acknowledged.length}`),
  };
}

const badState = async (run: () => Promise<unknown>): Promise<BadStateError> => {
  try {
    await run();
  } catch (error) {
    if (error instanceof BadStateError) return error;
    throw error;
  }
  return assert.fail("no bad state was found");
};

/** A recovery that is right, unless it is cut off: it removes the old content before it has written the new. */
function mending() {
  return {
    ...replacing(),
    recover: (fs: FileSystem) => {
      const text = textOf(fs);
      if (fs.lstatSync("/state") !== undefined) {
        fs.unlinkSync("/state");
        fs.syncDirectorySync("/");
      }
      replaceFile(fs, "/state", text ?? "");
      return text;
    },
  };
}

const failing = (): never => assert.fail("no such thing");
const endless = (): Promise<undefined> => new Promise(() => {});

describe("exploreCrashes()", () => {
  it.each(["posix", "ordered"] as const)("finds nothing in a right replacement (%s)", async (model) => {
    const report = await exploreCrashes({ ...replacing(), model });
    assert.ok(report.states > 10 && report.nested === 0, JSON.stringify(report));
  });

  it("finds nothing in fsutil's replacement", async () => {
    const report = await exploreCrashes({
      ...replacing(),
      workload: ({ fileSystem, begin, acknowledge }) => {
        for (const text of NEXT) {
          begin(text);
          writeFileAtomicSync("/state", text, { fileSystem });
          acknowledge(text);
        }
      },
    });
    assert.ok(report.states > 20, JSON.stringify(report));
  });

  it.each([
    ["no file sync", "posix"],
    ["no file sync", "ordered"],
    ["no folder sync", "posix"],
    ["no folder sync", "ordered"],
    ["in place", "posix"],
    ["in place", "ordered"],
    ["rename before sync", "posix"],
    ["rename before sync", "ordered"],
  ] as const)("catches a replacement with %s (%s)", async (mistake, model) => {
    const error = await badState(() => exploreCrashes({ ...replacing(mistake), model }));
    assert.equal(error.code, "CRASH_BAD_STATE");
    assert.ok(error.story.length > 1, error.message);
    const again = await badState(() => exploreCrashes({ ...replacing(mistake), seed: error.seed }));
    assert.equal(again.seed, error.seed);
  });

  it.each(["posix", "ordered"] as const)("finds nothing in a right log (%s)", async (model) => {
    const report = await exploreCrashes({ ...logging(), model });
    assert.ok(report.states > 25 && report.nested > 30, JSON.stringify(report));
  });

  it.each([
    ["no sync", "posix"],
    ["no sync", "ordered"],
    ["no tail repair", "posix"],
    ["no tail repair", "ordered"],
    ["rotation not synced", "posix"],
    ["name not synced", "posix"],
  ] as const)("catches a log with %s (%s)", async (mistake, model) => {
    const error = await badState(() => exploreCrashes({ ...logging(mistake), model }));
    assert.match(error.message, /to see it again/);
  });

  it("catches a lock that is taken from a slow holder for its age, and nothing in one that is not", async () => {
    const error = await badState(() => exploreCrashes(counting(true)));
    assert.match(error.message, /the sum is 1 after 2/);
    await exploreCrashes(counting(false));
  });

  it("tells the shortest story: what was lost, and no more, also of a recovery that crashed", async () => {
    const error = await badState(() => exploreCrashes(replacing("no file sync")));
    assert.equal(error.story.filter((line) => line.includes("  <- ")).length, 1, error.message);
    const nested = await badState(() => exploreCrashes(mending()));
    assert.ok(nested.story.includes("the recovery begins"), nested.message);
    assert.match(nested.seed, /\+/);
    const again = await badState(() => exploreCrashes({ ...mending(), seed: nested.seed }));
    assert.deepEqual(again.story, nested.story);
  });

  it("reaches the last operation with a small budget", async () => {
    const late = {
      ...replacing(),
      check: ({ acknowledged }: { acknowledged: readonly string[] }) => {
        assert.ok(acknowledged.length < NEXT.length, "the end was reached");
      },
    };
    const error = await badState(() => exploreCrashes({ ...late, budget: { states: 30 } }));
    assert.match(error.message, /the end was reached/);
  });

  it("looks at the same states when it is asked twice", async () => {
    const first = await exploreCrashes({ ...logging(), seed: 7 });
    assert.deepEqual(await exploreCrashes({ ...logging(), seed: 7 }), first);
  });

  it("says when the work itself fails", async () => {
    await assert.rejects(exploreCrashes({ ...replacing(), workload: failing }), { code: "CRASH_WORKLOAD" });
    await assert.rejects(exploreCrashes({ ...replacing(), seed: "posix:999:-" }), { code: "CRASH_SEED" });
    await assert.rejects(exploreCrashes({ ...replacing(), seed: "nonsense" }), { code: "CRASH_SEED" });
  });

  it("cuts a recovery off that never ends", async () => {
    const error = await badState(() => exploreCrashes({ ...replacing(), recover: endless, timeoutMs: 20 }));
    assert.match(error.message, /did not end within 20 ms/);
  });
});

describe("exploreFaults()", () => {
  it("finds nothing in right writers", async () => {
    const report = await exploreFaults(replacing());
    assert.ok(report.faults > 5 * report.calls, JSON.stringify(report));
    await exploreFaults(logging());
  });

  it("says of work that is slow, hangs or leaves files open, what it is", async () => {
    const hanging = { ...replacing(), workload: endless, timeoutMs: 20 };
    await assert.rejects(exploreFaults(hanging), {
      code: "CRASH_BAD_STATE",
      message: /did not end within 20 ms/,
    });
    const slow = { ...replacing(), timeoutMs: 300, slowSyncMs: 100, errnos: ["EIO"] };
    const syncs = {
      ...slow,
      workload: async (work: Workload<string>) => {
        for (let n = 0; n < 6; n += 1) await work.fileSystem.syncDirectory("/");
      },
      check: () => undefined,
    };
    await assert.rejects(exploreFaults(syncs), { code: "CRASH_BAD_STATE", message: /slow syncs/ });
    const leaking = {
      ...replacing(),
      workload: ({ fileSystem }: Workload<string>) => void fileSystem.openSync("/state", "read"),
    };
    await assert.rejects(exploreFaults(leaking), { message: /1 files stay open/ });
  });

  it("tries each call with each error, once and from then on", async () => {
    const { calls, faults } = await exploreFaults({ ...replacing(), errnos: ["EIO", "ENOSPC"] });
    const writes = NEXT.length;
    assert.equal(faults, 5 * calls + writes);
  });

  it.each(["short count ignored", "sync retried"] as const)(
    "catches a replacement with %s",
    async (mistake) => {
      const error = await badState(() => exploreFaults(replacing(mistake)));
      assert.match(error.message, /at call \d+/);
    },
  );
});
