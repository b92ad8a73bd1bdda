import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { type Claim, type FileStore, fileStore } from "@holdfast/storage";
import type { Trial } from "../trial.ts";
import { type Program, startProgram } from "./program.ts";
import { suspend } from "./suspend.ts";

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
    await suspend(program);
    if (!isInSection(root)) return;
    program.process.kill("SIGCONT");
    await sleep(Math.random() * 3);
  }
}

/** Who works on after the first holder. */
class NextHolder {
  readonly store: FileStore;
  readonly fence: Claim;

  private constructor(store: FileStore, fence: Claim) {
    this.store = store;
    this.fence = fence;
  }

  static async open(root: string, breaks: boolean): Promise<NextHolder> {
    const store = fileStore(root);
    if (breaks) assert.notEqual(await store.breakClaim("runs", "r"), undefined);
    const [fence] = await store.work.claim("runs", "next", { id: "r" });
    return new NextHolder(store, fence ?? assert.fail("the item is not free"));
  }

  append(n: number): Promise<{ readonly position: number }> {
    const text = JSON.stringify({ message_id: `next-${n}` });
    return this.store.logs.append("runs/r/ledger", [{ text }], { fence: this.fence });
  }

  async close(): Promise<void> {
    await this.store.work.settle(this.fence, "ready");
    await this.store.close();
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
    let next = await NextHolder.open(root, true);
    await next.store.documents.put("runs/r/run", { by: "next" }, { fence: next.fence });
    const mine = [await next.append(1)];
    program.process.kill("SIGCONT");
    let said = "";
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      if (line.value.startsWith("wrote")) acknowledged.push(line.value);
      else said += `${line.value}; `;
    }
    assert.equal(said, "refused STORE_FENCED; settled false; ");
    try {
      mine.push(await next.append(2));
    } catch (error) {
      // The first holder was stopped in the system call that appends: nobody can take that back, but it does not go unnoticed.
      assert.match(String(error), /another program changed it/);
      await next.close();
      next = await NextHolder.open(root, false);
      mine.push(await next.append(2));
    }
    const { store, fence } = next;
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
    assert.deepEqual(await store.check(), []);
    assert.equal(await store.work.settle(fence, "done"), true);
    await store.close();
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
    "suspended while a person gives its lock to another one, it is refused when it wakes, and changes nothing; a line that it was appending at that moment may come late, and stops the next one until it opens the log again",
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
