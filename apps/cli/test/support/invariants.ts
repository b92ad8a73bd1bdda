import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Place } from "./command.ts";

const TERMINAL = new Set([
  "builder.completed",
  "review.completed",
  "spec.updated",
  "spec.no_changes_needed",
  "spec.changes_requested",
  "error",
]);

interface Line {
  readonly kind: string;
  readonly seq: number;
  readonly message_id: string;
  readonly correlation_id: string;
  readonly event?: string;
  readonly idempotency_key?: string;
}

/** What must hold of a ledger after a crash and its resume, given what was on disk at the crash. */
export function checkLedger(before: readonly string[], after: readonly string[]): void {
  assert.ok(after.length >= before.length, "the ledger became shorter");
  before.forEach((line, index) =>
    assert.equal(after[index], line, `acknowledged line ${index + 1} was changed`),
  );
  const settled = new Map<string, number>();
  const keys = new Map<string, string>();
  const ids = new Set<string>();
  for (const text of after) {
    const line = JSON.parse(text) as Line;
    if (line.kind === "command" || line.kind === "event") {
      assert.ok(!ids.has(line.message_id), `line ${line.seq} repeats message ${line.message_id}`);
      ids.add(line.message_id);
    }
    if (line.kind === "command") {
      const known = keys.get(line.correlation_id);
      assert.ok(
        known === undefined || known === line.idempotency_key,
        `line ${line.seq} changes the key of its correlation id`,
      );
      keys.set(line.correlation_id, String(line.idempotency_key));
      assert.ok(
        !settled.has(line.correlation_id),
        `line ${line.seq} sends a settled step again (line ${settled.get(line.correlation_id)})`,
      );
    }
    // An error is tried again; every other end is one.
    if (line.kind === "event" && TERMINAL.has(String(line.event)) && line.event !== "error")
      settled.set(line.correlation_id, line.seq);
  }
}

const RECOMPUTE = fileURLToPath(new URL("../independent/recompute.py", import.meta.url));

/** Whether there is a python3 to recompute with; its absence is printed by the tests that need it. */
export function hasPython(): boolean {
  return spawnSync("python3", ["--version"]).status === 0;
}

/** Recomputes chain, keys, snapshot ids and receipts by a program that shares no code with us. */
export function recompute(
  place: Place,
  workspace = place.dir,
): { status: string; problems: string[]; lines: number; receipts: number; artifacts: number } {
  const result = spawnSync("python3", [RECOMPUTE, place.store, place.run(), workspace], { encoding: "utf8" });
  assert.equal(result.stderr, "");
  return JSON.parse(result.stdout);
}
