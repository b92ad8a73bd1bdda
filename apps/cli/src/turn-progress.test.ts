import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { describe, it } from "vitest";
import { Context } from "./context.ts";
import { openStore } from "./open-store.ts";
import { Output } from "./output.ts";
import { TurnProgress } from "./turn-progress.ts";

/** A stream that keeps what is written to it. */
class Kept extends Writable {
  text = "";
  readonly isTTY: boolean;
  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString("utf8");
    done();
  }
}

function watched(options: { readonly isTerminal?: boolean; readonly quiet?: boolean } = {}): {
  kept: Kept;
  progress: TurnProgress;
} {
  const kept = new Kept(options.isTerminal === true);
  const context = new Context(
    { quiet: options.quiet === true },
    { out: new Output(new Kept(false)), err: new Output(kept), openStore },
  );
  return { kept, progress: new TurnProgress(context, 0) };
}

describe("TurnProgress", () => {
  it("writes four lines a second at most, however fast turns are", () => {
    const { kept, progress } = watched();
    for (let turn = 1; turn <= 10_000; turn++) progress.turn({ turn, maxTurns: 10_000 }, turn / 10);
    assert.equal(kept.text.trimEnd().split("\n").length, 4);
  });

  it("writes a line a turn when turns are slow, with what was kept and what is left", () => {
    const { kept, progress } = watched();
    for (const turn of [1, 2, 3, 4])
      progress.turn(
        { turn, maxTurns: 4, kept: turn % 2 === 0 ? `turn_${turn}.json` : undefined },
        turn * 1_000,
      );
    assert.deepEqual(kept.text.trimEnd().split("\n"), [
      "  turn 1 of 4, 1.0 s",
      "  turn 2 of 4, kept turn_2.json, 2.0 s, about 2.0 s left",
      "  turn 3 of 4, 3.0 s, about 1.0 s left",
      "  turn 4 of 4, kept turn_4.json, 4.0 s",
    ]);
  });

  it("changes one line on a terminal, and writes nothing with --quiet", () => {
    const terminal = watched({ isTerminal: true });
    for (let turn = 1; turn <= 100; turn++) terminal.progress.turn({ turn, maxTurns: 100 }, turn);
    assert.equal(terminal.kept.text.includes("\n"), false);
    assert.match(terminal.kept.text, /turn {3}1 of 100/);
    for (const isTerminal of [true, false]) {
      const { kept, progress } = watched({ isTerminal, quiet: true });
      progress.turn({ turn: 1, maxTurns: 2 }, 1_000);
      assert.equal(kept.text, "");
    }
  });
});
