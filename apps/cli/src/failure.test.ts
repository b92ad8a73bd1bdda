import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { CommandError, EXIT, exitStatusOf, failureDocument, failureText, firstFailure } from "./failure.ts";

const coded = (code: string): Error => Object.assign(new Error(`about ${code}`), { code });

/** Every code that does not end with 1, and those of simulations that do. */
const STATUS: Readonly<Record<string, number>> = {
  CHECKPOINT_SAVE: EXIT.failed,
  CHECKPOINT_INVALID: EXIT.failed,
  CHECKPOINT_CONFLICT: EXIT.failed,
  CHECKPOINT_IO: EXIT.failed,
  RUN_ID_COLLISION: EXIT.failed,
  SIMULATION_ENGINE_FAILED: EXIT.failed,
  SIMULATION_STATE: EXIT.failed,
  STORE_NO_SPACE: EXIT.failed,
  STORE_READ_ONLY: EXIT.failed,
  CONFIG_INVALID: EXIT.usage,
  CONFIG_SYNTAX: EXIT.usage,
  USAGE: EXIT.usage,
  WORKFLOW_NO_TASK: EXIT.usage,
  WORKFLOW_SECRET_MISSING: EXIT.usage,
  WORKFLOW_JOB_AGENT: EXIT.usage,
  WORKFLOW_JOB_CONFIG_MISSING: EXIT.usage,
  WORKFLOW_RUN_KIND: EXIT.usage,
  SIMULATION_RUN_KIND: EXIT.usage,
  SIMULATION_MODULE: EXIT.usage,
  SIMULATION_FORK_END: EXIT.usage,
  STORE_NOT_A_STORE: EXIT.usage,
  STORE_KEY: EXIT.usage,
  CONFIG_MISSING: EXIT.notFound,
  CHECKPOINT_MISSING: EXIT.notFound,
  SIMULATION_CHECKPOINT_MISSING: EXIT.notFound,
  RUN_NOT_FOUND: EXIT.notFound,
  CHECKPOINT_NOT_JSON: EXIT.damaged,
  CHECKPOINT_SCHEMA: EXIT.damaged,
  CHECKPOINT_TURN: EXIT.damaged,
  CHECKPOINT_CHECKSUM: EXIT.damaged,
  CHECKPOINT_NEWER_VERSION: EXIT.damaged,
  STORE_NEWER_FORMAT: EXIT.damaged,
  RUN_DAMAGED: EXIT.damaged,
  STORE_DAMAGED: EXIT.damaged,
  JOB_STATE: EXIT.failed,
  JOB_NOT_FOUND: EXIT.notFound,
  JOB_DAMAGED: EXIT.damaged,
  WORKFLOW_JOB_DAMAGED: EXIT.damaged,
  JOB_HELD: EXIT.held,
  RUN_HELD: EXIT.held,
  STORE_HELD: EXIT.held,
  SIMULATION_RUN_HELD: EXIT.held,
  WORKFLOW_RUN_HELD: EXIT.held,
};

describe("exitStatusOf()", () => {
  it.each(Object.entries(STATUS))("%s ends with %i", (code, status) => {
    assert.equal(exitStatusOf(coded(code)), status);
  });

  it("a fault of ours ends with 1, a signal with 130, an error of the command as it says", () => {
    assert.equal(exitStatusOf(new TypeError("oops")), EXIT.failed);
    assert.equal(exitStatusOf("SIGINT"), EXIT.interrupted);
    assert.equal(exitStatusOf(new CommandError("ANY", "any", EXIT.notFound)), EXIT.notFound);
  });
});

describe("failureText() and failureDocument()", () => {
  it("tell a signal as what it is", () => {
    assert.match(
      failureText("SIGTERM", { verbose: false }),
      /^holdfast: INTERRUPTED: Stopped by SIGTERM; .*\n$/,
    );
    assert.equal(failureDocument("SIGTERM").error.code, "INTERRUPTED");
  });

  it("tell what an error carries, and its cause", () => {
    const cause = coded("ENOSPC");
    const error = Object.assign(new Error("Cannot save", { cause }), {
      code: "CHECKPOINT_SAVE",
      path: "a/b.json",
    });
    assert.deepEqual(failureDocument(error), {
      error: {
        code: "CHECKPOINT_SAVE",
        message: "Cannot save",
        details: { path: "a/b.json", cause: { code: "ENOSPC", message: "about ENOSPC" } },
      },
    });
    assert.match(failureText(error, { verbose: true }), /caused by Error: about ENOSPC/);
  });
});

describe("firstFailure()", () => {
  it("is what happened before everything failed that was closed after it", async () => {
    const closing = (code: string): AsyncDisposable => ({
      [Symbol.asyncDispose]: () => Promise.reject(coded(code)),
    });
    const work = async (): Promise<void> => {
      await using store = closing("STORE_IO");
      await using lock = closing("FILE_IO");
      assert.notEqual(store, lock);
      throw coded("CHECKPOINT_SAVE");
    };
    const caught: unknown = await work().catch((error: unknown) => error);
    assert.deepEqual(firstFailure(caught), coded("CHECKPOINT_SAVE"));
    assert.deepEqual(firstFailure(coded("STORE_IO")), coded("STORE_IO"));
  });
});
