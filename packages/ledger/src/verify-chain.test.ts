import { canonicalJson } from "@holdfast/idempotency";
import { type Fence, memoryStore, type Store } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyMessage, command, event, heartbeat, log } from "../test/messages.ts";
import { storeOfLines } from "../test/store-with.ts";
import { type ChainReport, chainAfter, type MessageInput, openLedger, readLedger } from "./index.ts";

const KEY = "runs/r/ledger";

async function linesOf(store: Store): Promise<string[]> {
  return Array.fromAsync(store.logs.read(KEY), ({ text }) => text);
}

async function written(messages: readonly MessageInput[]): Promise<string[]> {
  await using store = memoryStore();
  await using ledger = await openLedger(store, "r");
  await Promise.all(messages.map((message) => ledger.append(message)));
  return await linesOf(store);
}

async function verify(
  lines: readonly string[],
  expectedMessageIds: readonly string[] = [],
): Promise<ChainReport> {
  await using store = storeOfLines(lines);
  return await readLedger(store, "r").verifyChain({ expectedMessageIds });
}

const kinds = (report: ChainReport): [number, string][] =>
  report.findings.map(({ position, kind }) => [position, kind]);

/** A line like another, with a change that JSON can see. */
const edits: readonly ((line: string, other: unknown) => string)[] = [
  (line, other) => JSON.stringify({ ...JSON.parse(line), extra_field: other }),
  (line) => JSON.stringify({ ...JSON.parse(line), seq: JSON.parse(line).seq + 1 }),
  (line) => JSON.stringify({ ...JSON.parse(line), seq: 1_000 }),
  (line) => JSON.stringify({ ...JSON.parse(line), fence: 7 }),
  (line) => JSON.stringify({ ...JSON.parse(line), chain: "f".repeat(64) }),
  (line) => JSON.stringify({ ...JSON.parse(line), chain: "F" }),
  (line) => JSON.stringify({ ...JSON.parse(line), chain: undefined }),
  (line) => JSON.stringify({ ...JSON.parse(line), extra_field: 1, chain: "f".repeat(64) }),
  (line) => line.replace('"kind":', '"kind": '),
  (line) => line.replace('"kind":', '"kind":"log","kind":'),
  (line) => line.slice(0, -1),
  () => "",
  () => "null",
  () => "[1]",
];

/** A line, from 1. */
function lineOf(lines: readonly string[], line: number): string {
  return lines[line - 1] ?? "";
}

async function claimOf(store: Store, runId: string): Promise<Fence> {
  await store.work.offer("runs", runId, {});
  const [claim] = await store.work.claim("runs", "worker", { id: runId });
  if (claim === undefined) throw new Error("not claimed");
  return claim;
}

describe("verifyChain()", () => {
  const messages = fc.array(anyMessage, { minLength: 1, maxLength: 12 });

  it("accepts every ledger that was written, and gives its head", async () => {
    await fc.assert(
      fc.asyncProperty(messages, async (list) => {
        const lines = await written(list);
        const report = await verify(lines);
        expect(report).toEqual({
          ok: true,
          lines: list.length,
          readable: list.length,
          unchainedLines: 0,
          head: { seq: list.length, chain: JSON.parse(lineOf(lines, lines.length)).chain },
          findings: [],
          more: 0,
        });
      }),
      { numRuns: 100 },
    );
  });

  it("names the line that was edited, whatever was done to it", async () => {
    await fc.assert(
      fc.asyncProperty(
        messages,
        fc.nat(),
        fc.constantFrom(...edits),
        fc.jsonValue(),
        async (list, n, edit, other) => {
          const lines = await written(list);
          const at = n % lines.length;
          lines[at] = edit(lineOf(lines, at + 1), other);
          const report = await verify(lines);
          expect(report.ok).toBe(false);
          expect(report.findings[0]?.position).toBe(at + 1);
          expect(["edited", "not_json", "respelled", "removed"]).toContain(report.findings[0]?.kind);
          expect(report.findings[0]?.place).toContain(String(at + 1));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("names the line before which lines were removed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMessage, { minLength: 2, maxLength: 12 }),
        fc.nat(),
        fc.nat(),
        async (list, n, m) => {
          const lines = await written(list);
          const at = n % (lines.length - 1);
          const count = 1 + (m % (lines.length - 1 - at));
          lines.splice(at, count);
          expect(kinds(await verify(lines))).toEqual([[at + 1, "removed"]]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("names the first of two lines that changed places", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMessage, { minLength: 2, maxLength: 12 }),
        fc.nat(),
        fc.nat(),
        async (list, n, m) => {
          const lines = await written(list);
          const a = n % (lines.length - 1);
          const b = a + 1 + (m % (lines.length - 1 - a));
          [lines[a], lines[b]] = [lineOf(lines, b + 1), lineOf(lines, a + 1)];
          const report = await verify(lines);
          expect(report.findings[0]?.position).toBe(a + 1);
          expect(report.findings[0]?.kind).toMatch(/reordered|removed/);
          expect(report.findings.length).toBeLessThanOrEqual(3);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("names the line that was moved", async () => {
    const lines = await written(Array.from({ length: 8 }, (_, n) => log(`${n}`)));
    const moved = lines.splice(2, 1);
    lines.splice(5, 0, ...moved);
    expect(kinds(await verify(lines))).toEqual([
      [3, "reordered"],
      [6, "reordered"],
    ]);
  });

  it("names the line that was inserted: a copy, a forged one, a plain one", async () => {
    await fc.assert(
      fc.asyncProperty(
        messages,
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 0, max: 3 }),
        async (list, n, m, what) => {
          const lines = await written(list);
          const at = n % (lines.length + 1);
          const copied = lineOf(lines, 1 + (m % lines.length));
          const forgeries = [
            copied,
            JSON.stringify({ ...JSON.parse(copied), extra_field: 1 }),
            JSON.stringify(log("x")),
            "{",
          ];
          const forged = lineOf(forgeries, 1 + what);
          // A copy before its original is the same file as one after it.
          const position = lines[at] === forged ? at + 2 : at + 1;
          lines.splice(at, 0, forged);
          const report = await verify(lines);
          expect(report.findings[0]?.position).toBe(position);
          // A copy two lines before its original looks like a swap and a copy after it.
          expect(report.findings.length).toBeLessThanOrEqual(2);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("finds a flipped bit anywhere, and says in which line", async () => {
    const lines = await written([
      command(1),
      event(1, "builder.completed"),
      heartbeat(3),
      log("é\u{1f600} \u2028 1e21"),
    ]);
    const bytes = lines.map((line) => Buffer.from(line));
    for (const [index, line] of bytes.entries()) {
      for (let offset = 0; offset < line.length; offset += 1) {
        for (const bit of [1, 32]) {
          const flipped = Buffer.from(line);
          flipped[offset] = flipped.readUInt8(offset) ^ bit;
          const report = await verify(lines.with(index, flipped.toString("utf8")));
          expect(report.findings[0]?.position, `line ${index + 1}, byte ${offset}`).toBe(index + 1);
        }
      }
    }
  });

  it("reports independent damage after the first", async () => {
    const lines = await written(Array.from({ length: 20 }, (_, n) => log(`${n}`)));
    lines[3] = lineOf(lines, 4).replace('"3"', '"4"');
    lines[9] = "garbage";
    lines.splice(15, 2);
    expect(kinds(await verify(lines))).toEqual([
      [4, "edited"],
      [10, "not_json"],
      [16, "removed"],
    ]);
  });

  it("reports two edited neighbours as two lines", async () => {
    const lines = await written(Array.from({ length: 6 }, (_, n) => log(`text ${n}`)));
    lines[2] = lineOf(lines, 3).replace("text", "tex");
    lines[3] = lineOf(lines, 4).replace("text", "tex");
    expect(kinds(await verify(lines))).toEqual([
      [3, "edited"],
      [4, "edited"],
    ]);
  });

  it("names a late write of a holder that was fenced off", async () => {
    await using store = memoryStore();
    for (const worker of ["a", "b"]) {
      await store.work.offer("runs", "r", {});
      const [claim] = await store.work.claim("runs", worker, { id: "r" });
      if (claim === undefined) throw new Error("not claimed");
      const ledger = await openLedger(store, "r", { fence: claim });
      await ledger.append(log(worker));
      await ledger.append(log(worker));
      await store.work.settle(claim, "ready");
    }
    const lines = await linesOf(store);
    // The first holder wakes up and adds a line after those of the second: it knows the chain as of its own last line.
    const forger = memoryStore();
    await forger.logs.append(
      KEY,
      lines.slice(0, 2).map((text) => ({ text })),
    );
    const late = await openLedger(forger, "r", { fence: { queue: "runs", id: "r", token: 1 } }).catch(
      (error: unknown) => error,
    );
    expect(late).not.toBeInstanceOf(Error);
    const third = JSON.stringify({ ...JSON.parse(lineOf(lines, 2)), seq: 3 });
    expect(kinds(await verify([...lines, third]))).toEqual([[5, "late_write"]]);
    expect(kinds(await verify(lines.toSpliced(3, 0, third)))).toEqual([[4, "late_write"]]);
  });

  it("names a late write whose chain fits, too", async () => {
    await using store = memoryStore();
    await using ledger = await openLedger(store, "r", { fence: await claimOf(store, "r") });
    await ledger.append(log("mine"));
    const line = { ...log("late"), seq: 2, fence: 0 };
    const late = JSON.stringify({ ...line, chain: chainAfter(ledger.head.chain, canonicalJson(line)) });
    expect(kinds(await verify([...(await linesOf(store)), late]))).toEqual([[2, "late_write"]]);
  });

  it("names the first line that is not as it was, whatever happened to the rest", async () => {
    const operation = fc.record({
      what: fc.constantFrom("edit", "remove", "swap", "copy"),
      at: fc.nat(),
      to: fc.nat(),
    });
    const long = fc.array(anyMessage, { minLength: 3, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        long,
        fc.array(operation, { minLength: 1, maxLength: 5 }),
        async (list, operations) => {
          const before = await written(list);
          const after = [...before];
          for (const { what, at, to } of operations) {
            if (after.length < 2) break;
            const [i, j] = [at % after.length, to % after.length];
            if (what === "edit")
              after[i] = JSON.stringify({ ...JSON.parse(lineOf(after, i + 1)), extra_field: to });
            else if (what === "remove") after.splice(i, 1);
            else if (what === "copy") after.splice(i, 0, lineOf(after, j + 1));
            else [after[i], after[j]] = [lineOf(after, j + 1), lineOf(after, i + 1)];
          }
          const first = after.findIndex((line, index) => line !== before[index]);
          const report = await verify(after);
          // What is left when lines were only cut off at the end is in order, as far as a chain can tell.
          expect(report.ok).toBe(first === -1);
          expect(report.findings[0]?.position).toBe(first === -1 ? undefined : first + 1);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("takes a ledger that was written elsewhere as unchained, not as damaged", async () => {
    const plain = [command(1), heartbeat(9), event(1, "error")].map((message) => JSON.stringify(message));
    expect(await verify(plain)).toMatchObject({ ok: true, lines: 3, unchainedLines: 3, head: undefined });
    expect(kinds(await verify(plain.with(1, "{")))).toEqual([[2, "not_json"]]);
    expect(kinds(await verify(plain.with(1, "{}")))).toEqual([[2, "invalid"]]);
  });

  it("a chain begins where a ledger that was written elsewhere is gone on with", async () => {
    await using store = memoryStore();
    await store.logs.append(KEY, [
      { text: JSON.stringify(command(1)) },
      { text: JSON.stringify(heartbeat(1)) },
    ]);
    await using ledger = await openLedger(store, "r");
    expect((await ledger.append(log("here"))).seq).toBe(3);
    await ledger.append(log("there"));
    const lines = await linesOf(store);
    expect(await verify(lines)).toMatchObject({ ok: true, lines: 4, unchainedLines: 2 });
    expect(kinds(await verify(lines.with(2, lineOf(lines, 3).replace("here", "hex"))))).toEqual([
      [3, "edited"],
    ]);
    expect(kinds(await verify([...lines, JSON.stringify(log("x"))]))).toEqual([[5, "inserted"]]);
  });

  it("cannot see that the end is cut off, except for ids that are known elsewhere", async () => {
    const lines = await written([command(1), event(1, "builder.completed"), log("evt-9")]);
    expect((await verify(lines.slice(0, 1), ["cmd-1"])).ok).toBe(true);
    expect((await verify(lines, ["cmd-1", "evt-1-builder.completed"])).ok).toBe(true);
    expect(kinds(await verify(lines.slice(0, 1), ["cmd-1", "evt-1-builder.completed"]))).toEqual([
      [2, "truncated"],
    ]);
    expect(kinds(await verify(lines, ["evt-9"]))).toEqual([[4, "truncated"]]);
  });

  it("counts what goes beyond maxFindings", async () => {
    await using store = storeOfLines(Array.from({ length: 30 }, () => "x"));
    const report = await readLedger(store, "r").verifyChain({ maxFindings: 4 });
    expect([report.findings.length, report.more]).toEqual([4, 26]);
  });

  it("an empty ledger is in order", async () => {
    expect(await verify([])).toMatchObject({ ok: true, lines: 0, unchainedLines: 0, head: undefined });
  });
});

describe("verifyChain({ after })", () => {
  it("finds in the lines after a known one what a whole verification finds there", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMessage, { minLength: 3, maxLength: 12 }),
        fc.nat(),
        fc.nat(),
        fc.constantFrom(...edits),
        async (messages, knownAt, changedAt, edit) => {
          const lines = await written(messages);
          const seq = 1 + (knownAt % (lines.length - 1));
          const { chain } = JSON.parse(lineOf(lines, seq)) as { readonly chain: string };
          const changed = seq + 1 + (changedAt % (lines.length - seq));
          lines[changed - 1] = edit(lineOf(lines, changed), { unlike: "any other" });
          await using store = storeOfLines(lines);
          const reader = readLedger(store, "r");
          const whole = await reader.verifyChain();
          const part = await reader.verifyChain({ after: { seq, chain } });
          expect(part).toEqual(whole);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("says so when the known line is another one, or gone, and looks no further", async () => {
    const lines = await written([log("a"), log("b"), log("c")]);
    await using store = storeOfLines(lines);
    const reader = readLedger(store, "r");
    const { chain } = JSON.parse(lineOf(lines, 2)) as { readonly chain: string };
    expect(await reader.verifyChain({ after: { seq: 2, chain } })).toMatchObject({ ok: true, lines: 3 });
    expect(kinds(await reader.verifyChain({ after: { seq: 1, chain } }))).toEqual([[1, "edited"]]);
    expect(kinds(await reader.verifyChain({ after: { seq: 4, chain } }))).toEqual([[4, "truncated"]]);
  });

  it("tells onRecord what replay() gives, and nothing after the first line that it does not give", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMessage, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.option(fc.constantFrom(...edits), { nil: undefined }),
        async (messages, changedAt, edit) => {
          const lines = await written(messages);
          const changed = changedAt % lines.length;
          if (edit !== undefined) lines[changed] = edit(lineOf(lines, changed + 1), {});
          await using store = storeOfLines(lines);
          const reader = readLedger(store, "r");
          const replayed: unknown[] = [];
          try {
            for await (const record of reader.replay()) replayed.push(record);
          } catch {
            // It ends at the first line that cannot be read.
          }
          const told: unknown[] = [];
          const { readable } = await reader.verifyChain({ onRecord: (record) => told.push(record) });
          expect(told).toEqual(replayed);
          expect(readable).toBe(replayed.length);
        },
      ),
      { numRuns: 40 },
    );
  });
});
