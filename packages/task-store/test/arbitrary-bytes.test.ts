import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileStore, type Store } from "@holdfast/storage";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { jobStore, listReceipts, runStore, taskStore, verifyJobs, verifyTasks } from "../src/index.ts";

const newFolder = temporaryFolders();
const RUNS = process.env["HOLDFAST_LONG"] === "1" ? 5_000 : 60;
const golden = (name: string): Buffer => readFileSync(join(import.meta.dirname, "golden", name));

interface Reader {
  readonly what: string;
  readonly path: string;
  readonly whole: Buffer;
  readonly refusal: RegExp;
  readonly read: (store: Store) => Promise<unknown>;
}

async function valueOf(
  result: Promise<{ ok: boolean; value?: unknown; error?: { code: string } }>,
): Promise<unknown> {
  const { ok, value, error } = await result;
  if (ok) return value;
  throw Object.assign(new Error("a failure, as a value"), { code: error?.code });
}

const READERS: readonly Reader[] = [
  {
    what: "a run state",
    path: "runs/run-20260102-030405-0001abff/run.json",
    whole: golden("run-state-v1.json"),
    refusal: /^RUN_(?:DAMAGED|NEWER_FORMAT)$/,
    read: (store) => runStore(store).load("run-20260102-030405-0001abff"),
  },
  {
    what: "a receipt",
    path: "runs/r/receipts/T-0042/step-1.json",
    whole: golden("receipt-v1.json"),
    refusal: /^RECEIPT_(?:DAMAGED|NEWER_FORMAT)$/,
    read: (store) => listReceipts(store, "r"),
  },
  {
    what: "a manifest of a job",
    path: "jobs/job-20260102-030405-0001abff/job_manifest.json",
    whole: golden("job-manifest-v1.json"),
    refusal: /^JOB_(?:DAMAGED|NEWER_FORMAT)$/,
    read: (store) => jobStore(store).load("job-20260102-030405-0001abff"),
  },
  {
    what: "a task",
    path: "tasks/duration/task-duration-0001abff.json",
    whole: golden("task-v1.json"),
    refusal: /^(?:JSON|VALIDATION)$/,
    read: (store) => valueOf(taskStore(store).load("task-duration-0001abff")),
  },
];

function put(root: string, path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), bytes);
}

/** Anything at all, JSON of any shape, and what was a record before somebody put other bytes into it. */
function anyBytes(whole: Buffer): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(whole.length);
  const spliced = fc.tuple(
    place,
    fc.nat(40),
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.json().map((text) => Buffer.from(text)),
    ),
  );
  return fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json({ noUnicodeString: false }).map((text) => Buffer.from(text)),
    spliced.map(([at, length, bytes]) =>
      Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(at + length)]),
    ),
  );
}

describe.each(READERS)("the reader of $what", ({ path, whole, refusal, read }) => {
  it("gives a value or an error with its code, whatever the bytes are; and verify comes to its end", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    await store.create();
    await fc.assert(
      fc.asyncProperty(anyBytes(whole), async (bytes) => {
        put(root, path, bytes);
        const outcome = await read(store).then(
          () => undefined,
          (error: unknown) => String(Object(error).code),
        );
        if (outcome !== undefined) assert.match(outcome, refusal);
        if (!path.startsWith("runs/"))
          await Array.fromAsync(path.startsWith("tasks/") ? verifyTasks(store) : verifyJobs(store));
      }),
      { numRuns: RUNS },
    );
  });

  it("refuses what it would change: a name twice, 1e999, an integer that is no double", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    await store.create();
    const text = whole.toString("utf8");
    for (const more of ['"x": 1, "x": 2', '"x": 1e999', '"x": [9007199254740993]', '"x": "\ud800" x']) {
      put(root, path, Buffer.from(text.replace("{", `{${more},`)));
      await assert.rejects(read(store), ({ code }: { code: string }) => refusal.test(code), more);
    }
  });

  it("keeps what is unusual: __proto__, U+2028, half surrogates, CRLF, a BOM", async () => {
    const root = newFolder();
    await using store = fileStore(root);
    await store.create();
    put(root, path, whole);
    const before = await read(store);
    const text = whole.toString("utf8");
    put(root, path, Buffer.from(`\uFEFF${text.replaceAll("\n", "\r\n")}`));
    assert.deepEqual(await read(store), before);
    const unusual = '"__proto__": {"polluted": true}, "constructor": 1, "text": "\u2028\\ud800"';
    put(root, path, Buffer.from(text.replace("{", `{${unusual},`)));
    const [found] = [await read(store)].flat();
    assert.equal(Object.getOwnPropertyDescriptor(found, "text")?.value, "\u2028\ud800");
    assert.equal(Object(found).polluted, undefined);
    assert.equal(Object.hasOwn(Object(found), "constructor"), true);
    assert.equal("polluted" in {}, false);
  });
});
