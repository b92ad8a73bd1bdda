import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { canonical, completed, FORMATS_CONFIG, readRun } from "./support/simulation.ts";

const GOLDEN = join(import.meta.dirname, "golden");

/** A store as a release of its format left it: see support/make-older-store.ts. */
function unpack(place: Place, name: string): void {
  const files: Record<string, string> = JSON.parse(readFileSync(join(GOLDEN, name), "utf8"));
  for (const [path, content] of Object.entries(files)) {
    const [to = "", encoding] = path.split(":");
    mkdirSync(dirname(place.path(to)), { recursive: true, mode: 0o700 });
    writeFileSync(place.path(to), Buffer.from(content, encoding === "base64" ? "base64" : "utf8"), {
      mode: 0o600,
    });
  }
}

describe.each(readdirSync(GOLDEN))("a store of an older release: %s", { timeout: 120_000 }, (name) => {
  it("is whole to verify, can be read, and its interrupted run goes on to the same end", () => {
    using place = new Place("older-store");
    unpack(place, name);
    const verified = place.holdfast(["verify", "--workspace", place.dir]);
    assert.equal(verified.status, 0, verified.stdout);
    const [simulation = "", workflow = ""] = place.runs();
    for (const args of [
      ["runs"],
      ["show", workflow],
      ["ledger", workflow],
      ["receipts", workflow],
      ["snapshot", "list"],
      ["checkpoints", simulation],
      ["events", simulation],
      ["task", "show", "task-a-b-1234abcd"],
    ]) {
      const read = place.holdfast(args);
      assert.equal(read.status, 0, `${args.join(" ")}: ${read.stderr}`);
      assert.ok(read.stdout.length > 20, args.join(" "));
    }
    const resumed = place.holdfast(["resume", simulation, "--quiet"]);
    assert.equal(resumed.status, 0, resumed.stderr);
    using fresh = new Place("fresh");
    writeFileSync(fresh.path("simulation.yaml"), FORMATS_CONFIG);
    assert.equal(
      canonical(readRun(place, simulation, "checkpoints", "last.json").state),
      canonical(readRun(fresh, completed(fresh), "checkpoints", "last.json").state),
    );
    assert.equal(place.holdfast(["verify", "--workspace", place.dir]).status, 0);
  });
});
