import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { fileStore } from "@holdfast/storage";
import type { Trial } from "../trial.ts";
import { type Program, startProgram } from "./program.ts";

/** Makes the holder of every lock in a folder one that cannot be seen from here: as if it ran on another machine. */
function moveElsewhere(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.name === "kernel.db") rmSync(path); // a kernel's lock is not seen by another one
    if (!/^epoch-\d+$/.test(entry.name)) continue;
    const holder: object = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify({ ...holder, host: "elsewhere" }));
  }
}

/** Whether a process is in the short section of a store in which it keeps others out; a real kernel would not know of it elsewhere. */
function isInSection(root: string): boolean {
  using database = new DatabaseSync(join(root, "index", "locks", "documents.db"), { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE; ROLLBACK");
    return false;
  } catch {
    return true;
  }
}

async function suspendOutside(program: Program, root: string): Promise<void> {
  for (;;) {
    program.process.kill("SIGSTOP");
    await sleep(3); // the signal reaches all its threads
    if (!isInSection(root)) return;
    program.process.kill("SIGCONT");
    await sleep(Math.random() * 3);
  }
}

/** One holder is suspended in the middle of its writes, its lock is broken, the next one works, and the first one wakes. */
async function wakeFenced(root: string): Promise<number> {
  const program = startProgram("write-under-fence.ts", [root]);
  try {
    const lines = program.lines[Symbol.asyncIterator]();
    const acknowledged: string[] = [];
    const enough = 3 + Math.random() * 12;
    while (acknowledged.length < enough) acknowledged.push(String((await lines.next()).value));
    await sleep(Math.random() * 4);
    await suspendOutside(program, root);
    moveElsewhere(join(root, "work"));
    moveElsewhere(join(root, "index", "locks"));
    await using store = fileStore(root);
    assert.notEqual(await store.breakClaim("runs", "r"), undefined);
    const [fence] = await store.work.claim("runs", "next", { id: "r" });
    assert.ok(fence !== undefined);
    const append = (n: number): Promise<{ position: number }> =>
      store.logs.append("runs/r/ledger", [{ text: JSON.stringify({ message_id: `next-${n}` }) }], { fence });
    await store.documents.put("runs/r/run", { by: "next" }, { fence });
    const mine = [await append(1)];
    program.process.kill("SIGCONT");
    let said = "";
    for (let next = await lines.next(); next.done !== true; next = await lines.next()) {
      if (next.value.startsWith("wrote")) acknowledged.push(next.value);
      else said += `${next.value}; `;
    }
    assert.equal(said, "refused STORE_FENCED; settled false; ");
    mine.push(await append(2));
    assert.deepEqual(
      (await store.documents.get("runs/r/run"))?.value,
      { by: "next" },
      "a late write replaced the document",
    );
    const texts = (await Array.fromAsync(store.logs.read("runs/r/ledger"))).map(({ text }) => text);
    for (const [index, { position }] of mine.entries())
      assert.ok(
        texts[position - 1]?.includes(`next-${index + 1}`),
        `line ${position} is ${texts[position - 1]}`,
      );
    for (const line of acknowledged) {
      const [, n, position] = line.split(" ");
      assert.ok(
        texts[Number(position) - 1]?.includes(`"first-${n}"`),
        `"${line}" was acknowledged and is not there`,
      );
    }
    assert.equal(await store.work.settle(fence, "done"), true);
    assert.deepEqual(await store.check(), []);
    return acknowledged.length;
  } finally {
    program.process.kill("SIGKILL");
    await program.ended;
  }
}

/** What is promised of a holder that sleeps while its lock goes to another one. */
export const FENCED: Trial = {
  name: "locks: a holder that wakes fenced off",
  promise:
    "suspended while a person gives its lock to another one, it is refused when it wakes, and changes nothing",
  run: async ({ isLong }) => {
    let acknowledged = 0;
    const rounds = isLong ? 200 : 4;
    await startProgram("write-under-fence.ts", []).ended; // later starts are quicker
    for (let round = 0; round < rounds; round++) {
      const root = mkdtempSync(join(tmpdir(), "holdfast-fenced-"));
      try {
        acknowledged += await wakeFenced(root);
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    }
    return { counts: { suspensions: rounds, "acknowledged writes": acknowledged } };
  },
};
