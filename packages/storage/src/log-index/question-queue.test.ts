import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { QuestionQueue } from "./question-queue.ts";

/** A queue whose state is a number that each look raises. */
function counting(): { readonly queue: QuestionQueue; looks: number } {
  const seen = {
    looks: 0,
    queue: new QuestionQueue(async (limits, work) => {
      seen.looks += 1;
      limits.signal?.throwIfAborted();
      await Promise.resolve();
      return work();
    }),
  };
  return seen;
}

describe("QuestionQueue", () => {
  it("answers together what is asked together, and looks again for what is asked later", async () => {
    const seen = counting();
    const ask = (): Promise<number> => seen.queue.ask({}, () => seen.looks);
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [1, 1, 1]);
    // The second look is under way when the others ask.
    const first = ask();
    while (seen.looks < 2) await Promise.resolve();
    assert.deepEqual(await Promise.all([first, ask(), ask()]), [2, 3, 3]);
    assert.equal(await ask(), 4);
  });

  it("keeps apart what has other limits", async () => {
    const seen = counting();
    const stop = new AbortController();
    stop.abort(new Error("enough"));
    const [all, upTo, stopped, again] = await Promise.allSettled([
      seen.queue.ask({}, () => seen.looks),
      seen.queue.ask({ to: 3 }, () => seen.looks),
      seen.queue.ask({ signal: stop.signal }, () => seen.looks),
      seen.queue.ask({}, () => seen.looks),
    ]);
    assert.deepEqual(
      [all, again],
      [
        { status: "fulfilled", value: 1 },
        { status: "fulfilled", value: 1 },
      ],
    );
    assert.deepEqual(upTo, { status: "fulfilled", value: 2 });
    assert.equal(stopped.status === "rejected" && stopped.reason, stop.signal.reason);
  });

  it("lets nobody fail for the reasons of another, and rest() waits for all", async () => {
    const seen = counting();
    const bad = new Error("bad");
    const asked = Promise.allSettled([
      seen.queue.ask({}, () => "a"),
      seen.queue.ask({}, () => {
        throw bad;
      }),
      seen.queue.ask({}, () => "b"),
    ]);
    await seen.queue.rest();
    assert.deepEqual(await asked, [
      { status: "fulfilled", value: "a" },
      { status: "rejected", reason: bad },
      { status: "fulfilled", value: "b" },
    ]);
  });
});
