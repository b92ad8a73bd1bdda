import assert from "node:assert/strict";
import { type FileSystem, writeFileAtomicSync } from "@holdfast/fsutil";
import { describe, it } from "vitest";
import { BadStateError, exploreCrashes, exploreFaults, type Workload } from "../src/index.ts";
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

const badState = async (run: () => Promise<unknown>): Promise<BadStateError> => {
  try {
    await run();
  } catch (error) {
    if (error instanceof BadStateError) return error;
    throw error;
  }
  return assert.fail("no bad state was found");
};

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

  it.each(["short count ignored", "sync retried"] as const)(
    "catches a replacement with %s",
    async (mistake) => {
      const error = await badState(() => exploreFaults(replacing(mistake)));
      assert.match(error.message, /at call \d+/);
    },
  );
});
