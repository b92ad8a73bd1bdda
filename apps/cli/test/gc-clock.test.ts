import assert from "node:assert/strict";
import { existsSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FileStore, fileStore } from "@holdfast/storage";
import { runStore } from "@holdfast/task-store";
import { describe, it } from "vitest";
import { type AgeClock, earliestTime } from "../src/gc/age-clock.ts";
import { readLineage } from "../src/gc/lineage.ts";
import { withRunPlan } from "../src/gc/run-plan.ts";
import { unreferencedObjects } from "../src/gc/unreferenced-objects.ts";
import { Place } from "./support/command.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 0, 31);
const RUN = "run-20260131-000000-00000001";
const DAYS = { turn_1: 40, turn_2: 40, turn_3: 1, turn_4: 40, turn_5: 1, turn_6: 0 } as const;
const ROTATED = { "events_2025-12-01_00-00-00.jsonl": 40, "events_2026-01-30_00-00-00.jsonl": 1 } as const;

function writtenBefore(path: string, days: number): void {
  const then = (NOW_MS - days * DAY_MS) / 1_000;
  utimesSync(path, then, then);
}

/** A run with checkpoints and rotated files of several ages; the last checkpoint always stays. */
async function placeRun(store: FileStore): Promise<(name: string) => string> {
  const state = { run_id: RUN, kind: "simulation", name: "gc", config_snapshot: {} } as const;
  await runStore(store).create(state);
  const folder = join(store.root, "runs", RUN);
  for (const [name, days] of Object.entries(DAYS)) {
    await store.documents.put(`runs/${RUN}/checkpoints/${name}`, {});
    writtenBefore(join(folder, "checkpoints", `${name}.json`), days);
  }
  for (const [name, days] of Object.entries(ROTATED)) {
    writeFileSync(join(folder, name), "", { mode: 0o600 });
    writtenBefore(join(folder, name), days);
  }
  return (name) => join(folder, name.startsWith("turn") ? `checkpoints/${name}.json` : name);
}

/** Removes what is older than 30 days by a clock; gives what went, and what the clock said when each went. */
async function collect(clock: AgeClock & { readonly last: () => number }): Promise<Record<string, number>> {
  using place = new Place("gc-clock");
  await using store = fileStore(place.store);
  const pathOf = await placeRun(store);
  const lineage = await readLineage(store);
  const [run] = lineage.runs;
  assert.ok(run !== undefined);
  const gone: Record<string, number> = {};
  const rules = { clock, dryRun: false, olderThanMs: 30 * DAY_MS };
  await withRunPlan(store, run, lineage, rules, async ({ removals }) => {
    for (const { path, remove } of removals) {
      const isRemoved = await remove();
      assert.equal(existsSync(join(store.root, path)), !isRemoved);
      if (isRemoved) gone[path.replace(/^.*\/|\.json$/gu, "")] = clock.last();
    }
  });
  const names = [...Object.keys(DAYS), ...Object.keys(ROTATED)];
  assert.deepEqual(
    names.filter((name) => !existsSync(pathOf(name))),
    names.filter((name) => name in gone),
  );
  return gone;
}

/** A clock that is wrong by so many days for its first readings, and right after them, or the other way round. */
function jumping(readings: number, days: { readonly before: number; readonly after: number }) {
  let count = 0;
  let last = 0;
  const clock = earliestTime(() => {
    count += 1;
    last = NOW_MS + (count <= readings ? days.before : days.after) * DAY_MS;
    return last;
  });
  return { nowMs: () => clock.nowMs(), last: () => last, count: () => count };
}

const OLD = ["turn_1", "turn_2", "turn_4", "events_2025-12-01_00-00-00.jsonl"];

describe("a clock that is set while gc looks for what is old", () => {
  it("set back from a time that was right, at any reading: nothing that is newer goes, and it never fails", async () => {
    let whole = 0;
    for (let readings = 0; whole === 0; readings += 1) {
      const clock = jumping(readings, { before: 0, after: -20 });
      const gone = Object.keys(await collect(clock));
      for (const name of gone) assert.ok(OLD.includes(name), `${name}, after ${readings} readings`);
      if (clock.count() <= readings) whole = gone.length;
    }
    assert.equal(whole, OLD.length);
  });

  it("set back from a time that was ahead: from then on nothing goes that is not old by the time that is right", async () => {
    for (let readings = 0, isAhead = false; !isAhead; readings += 1) {
      const clock = jumping(readings, { before: 60, after: 0 });
      for (const [name, at] of Object.entries(await collect(clock)))
        assert.ok(OLD.includes(name) || at > NOW_MS, `${name}, after ${readings} readings`);
      isAhead = clock.count() <= readings;
    }
  });

  it("set forward: nothing is older than it was when gc began", async () => {
    for (const readings of [1, 2, 5, 9]) {
      const gone = Object.keys(await collect(jumping(readings, { before: 0, after: 60 })));
      assert.deepEqual(gone.toSorted(), OLD.toSorted());
    }
  });

  it("leaves contents that were asked for meanwhile, however long before gc began the clock says that was", async () => {
    using place = new Place("gc-clock");
    await using store = fileStore(place.store);
    await store.create();
    for (const touchedDaysAgo of [60, 0]) {
      const { checksum } = await store.objects.put(Buffer.from(`content ${touchedDaysAgo}`));
      const path = join(store.root, store.locate({ object: checksum }));
      writtenBefore(path, 40);
      const clock = earliestTime(() => NOW_MS);
      const { removals } = await unreferencedObjects(store, { olderThanMs: 30 * DAY_MS, clock });
      assert.equal(removals.length, 1);
      writtenBefore(path, touchedDaysAgo);
      assert.equal(await removals[0]?.remove(), false);
      assert.equal(statSync(path).mtimeMs, NOW_MS - touchedDaysAgo * DAY_MS);
      writtenBefore(path, 40);
      const again = await unreferencedObjects(store, { olderThanMs: 30 * DAY_MS, clock });
      assert.equal(await again.removals[0]?.remove(), true);
      assert.ok(!existsSync(path));
    }
  });
});
